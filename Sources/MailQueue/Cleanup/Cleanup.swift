import Events
import MailAuth
import MessageFormat

/// The one door into the queue: every message goes through it, whichever way it came.
///
/// It expands aliases, finds loops and makes the header fields that go in front of the message. The
/// received bytes are never changed here: signatures depend on them. Stateless, so that it can run on
/// the loop of the session.
public struct Cleanup: Sendable {
    private let settings: CleanupSettings
    let aliases: any AliasTable
    /// Whose mail is signed here; nil for nobody's.
    public let signing: SigningRules?
    /// What is sealed before it goes on to other hosts; nil for nothing.
    public let sealing: SealingRules?

    /// A door with these rules.
    public init(settings: CleanupSettings, aliases: any AliasTable = NoAliases(), signing: SigningRules? = nil, sealing: SealingRules? = nil) {
        self.settings = settings
        self.aliases = aliases
        self.signing = signing
        self.sealing = sealing
    }

    /// Makes a message ready for the log.
    public func prepare(_ incoming: IncomingMessage) throws(CleanupRefusal) -> Submission {
        guard !incoming.envelope.recipients.isEmpty else { throw .noRecipients }
        // Indexes of recipients have 16 bits, whichever way the message came.
        guard incoming.envelope.recipients.count <= settings.maxRecipients else { throw .tooManyRecipients }
        guard incoming.receivedCount <= settings.maxHops else { throw .loop }
        var envelope = incoming.envelope
        var expansion = AliasExpansion(aliases: aliases, settings: settings)
        if try expansion.expand(&envelope.recipients) {
            try refuseLoops(incoming, envelope.recipients)
            envelope.forwardedReversePath = forwardedReversePath(incoming, envelope)
        }
        let header = incoming.firstChunk ?? incoming.body
        if envelope.content.contains(.eightBitBody) { examine(header, &envelope.content) }
        // REQUIRETLS goes before the field that says the opposite (RFC 8689 §4.1).
        if !envelope.requireTLS, TLSRequiredField.waivesTLS(header) { envelope.content.insert(.tlsWaived) }
        var prefix: [UInt8] = []
        prefix.reserveCapacity(320 + incoming.resultFields.count)
        prefix += incoming.resultFields
        TraceField.append(id: incoming.id, envelope: incoming.envelope, settings: settings, to: &prefix)
        if incoming.completion == .submission {
            complete(header, incoming, &prefix)
        } else if header.first == 0x20 || header.first == 0x09 {
            // A line that begins with a blank would become a part of our field (RFC 5322 §2.2.3).
            prefix.append(contentsOf: [0x0d, 0x0a])
        }
        envelope.size = UInt64(prefix.count) &+ incoming.chunkedSize &+ UInt64(incoming.body.count)
        let message = AcceptedMessage(id: incoming.id, envelope: envelope, prefix: prefix, body: incoming.body)
        let order = signatures(header, incoming, prefix) ?? seal(header, incoming, prefix, envelope.recipients)
        return Submission(message: message, chunkedSize: incoming.chunkedSize, signatures: order, hold: incoming.hold)
    }

    /// The reverse-path towards recipients outside, where the sender's own would fail SPF there.
    private func forwardedReversePath(_ incoming: IncomingMessage, _ envelope: Envelope) -> EmailAddress? {
        guard let rules = settings.forwarding, let sender = envelope.reversePath.address, aliases.isOutside(sender),
              rules.occasion == .always || incoming.senderPublishesSPF != false,
              envelope.recipients.contains(where: \.isForwarded) else { return nil }
        return rules.srs.forward(sender, at: envelope.arrival)
    }

    /// Mail that was delivered to an alias before must not be expanded by it again.
    private func refuseLoops(_ incoming: IncomingMessage, _ recipients: [Recipient]) throws(CleanupRefusal) {
        let header = incoming.firstChunk ?? incoming.body
        guard let section = try? HeaderSection(scanning: header) else { return }
        let deliveries = section.deliveries(in: header.span)
        for recipient in recipients where recipient.isExpanded {
            guard !deliveries.contains(recipient.address) else { throw .loop }
        }
    }

    /// Finds out whether the octets above 127 are in the header: such a message needs SMTPUTF8 (RFC 6532).
    private func examine(_ bytes: [UInt8], _ facts: inout ContentFacts) {
        guard let section = try? HeaderSection(scanning: bytes) else { return }
        if bytes[..<section.end].contains(where: { $0 >= 0x80 }) { facts.insert(.eightBitHeader) }
    }

    /// Adds the fields that a submitted message lacks (RFC 6409 §8.1, §8.2).
    private func complete(_ header: [UInt8], _ incoming: IncomingMessage, _ prefix: inout [UInt8]) {
        guard let section = try? HeaderSection(scanning: header) else { return }
        if section.first(.date, in: header.span) == nil {
            HeaderField(.date, date: DateTime(incoming.envelope.arrival)).append(to: &prefix)
        }
        if section.first(.messageID, in: header.span) == nil {
            HeaderField(.messageID, structured: "<\(incoming.id)@\(settings.hostName.ascii)>").append(to: &prefix)
        }
        // Text without a header becomes the body, not a continuation of our fields.
        if section.fields.isEmpty, section.ending == .malformedLine { prefix.append(contentsOf: [0x0d, 0x0a]) }
    }
}
