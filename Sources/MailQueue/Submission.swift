import Events

/// A message that is ready for the log; only `Cleanup` makes one.
public struct Submission: Sendable {
    let message: AcceptedMessage
    /// The signatures that are still to be made; nil for none.
    let signatures: SignatureOrder?
    /// Octets of the body that are in chunks already.
    public let chunkedSize: UInt64
    /// Why the message is not to be delivered before somebody has looked at it; nil when it is.
    public var hold: HoldReason?

    init(message: AcceptedMessage, chunkedSize: UInt64, signatures: SignatureOrder? = nil, hold: HoldReason? = nil) {
        self.message = message
        self.chunkedSize = chunkedSize
        self.signatures = signatures
        self.hold = hold
    }

    /// Whether the message is all that the log gets: no hold and no report that belong into one group with it.
    var isPlain: Bool { hold == nil && !message.envelope.recipients.contains(where: \.isExpanded) }

    /// The same message with `fields` on top, as RFC 6376 §5.6 wants signatures.
    func signed(_ fields: [UInt8]) -> Submission {
        Submission(message: message.headed(by: fields), chunkedSize: chunkedSize, hold: hold)
    }

    /// The name that the client will be told.
    public var id: QueueID { message.id }
    /// Sender, recipients after alias expansion, and what is known of the message.
    public var envelope: Envelope { message.envelope }
    /// Header fields that Baton adds in front of what it received, CRLF-terminated.
    public var prefix: [UInt8] { message.prefix }
    /// What was received: all of it, or what follows the chunks that are already in the log.
    public var body: [UInt8] { message.body ?? [] }
}
