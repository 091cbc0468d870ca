import MessageFormat
import SMTP

/// A message that a local program wants sent: envelope and content, ready for the submit socket or the maildrop.
public struct LocalMessage: Hashable, Sendable {
    /// Where failures are reported to.
    public var reversePath: ReversePath
    /// The recipients, each once.
    public var recipients: [EmailAddress]
    /// NOTIFY for every recipient.
    public var notify: NotifyConditions?
    /// RET.
    public var returnContent: ReturnContent?
    /// ENVID.
    public var envelopeID: String?
    /// The message: lines end in CRLF, Bcc is gone, From is there.
    public var content: [UInt8]

    /// Why a message cannot be sent.
    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        /// Neither the command line nor, with `-t`, the header names a recipient.
        case noRecipients
        /// This is no address.
        case address(String)
        /// The header is longer than a message may have.
        case header

        /// What is wrong, in words.
        public var description: String {
            switch self {
            case .noRecipients: "no recipient: name one on the command line, or use -t with To, Cc or Bcc in the message"
            case .address(let text): "“\(TerminalText.safe(text))” is not a mail address"
            case .header: "the header of the message is too long"
            }
        }
    }

    private static let recipientFields: [HeaderName] = ["To", "Cc", "Bcc"]
    private static let resentRecipientFields: [HeaderName] = ["Resent-To", "Resent-Cc", "Resent-Bcc"]
    private static let hiddenFields: [HeaderName] = ["Bcc", "Resent-Bcc"]

    /// Makes the message that `arguments` and `input` ask for.
    ///
    /// `host` completes addresses without a domain; `user` is the login name of who asks.
    public init(_ arguments: SendmailArguments, input: [UInt8], user: String, host: String) throws(Mistake) {
        var content = LocalText.mail(from: LocalMessage.withoutMailboxLine(input), endsAtDot: !arguments.ignoresDots)
        guard let section = try? HeaderSection(scanning: content) else { throw .header }

        var names = arguments.recipients.flatMap { AddressList.addresses(in: $0.utf8) }
        if arguments.readsRecipients { names += LocalMessage.recipients(in: content, section) }
        var seen: Set<EmailAddress> = []
        var recipients: [EmailAddress] = []
        for name in names {
            let address = try LocalMessage.qualified(name, host)
            if seen.insert(address).inserted { recipients.append(address) }
        }
        guard !recipients.isEmpty else { throw .noRecipients }
        self.recipients = recipients

        let sender = arguments.sender.map { AddressList.addresses(in: $0.utf8).first ?? "" } ?? user
        reversePath = sender.isEmpty ? .null : .mailbox(try LocalMessage.qualified(sender, host))
        notify = arguments.notify
        returnContent = arguments.returnContent
        envelopeID = arguments.envelopeID

        let hasFrom = section.first(.from, in: content.span) != nil
        LocalMessage.removeHiddenFields(from: &content, section)
        if !hasFrom {
            let author: EmailAddress = if let address = reversePath.address { address } else { try LocalMessage.qualified("MAILER-DAEMON", host) }
            content = LocalMessage.from(author, name: arguments.fullName, isTextOnly: section.isTextOnly) + content
        }
        self.content = content
    }

    /// Whether any octet is above 127.
    public var isEightBit: Bool { content.contains { $0 >= 0x80 } }

    /// Whether an address is not ASCII.
    public var needsSMTPUTF8: Bool { !reversePath.isASCII || recipients.contains { !$0.isASCII } }

    /// The `From user date` line that mailbox files begin a message with is no part of it.
    private static func withoutMailboxLine(_ input: [UInt8]) -> [UInt8] {
        guard input.starts(with: Array("From ".utf8)), let end = input.firstIndex(of: 0x0a) else { return input }
        return Array(input[(end + 1)...])
    }

    /// Resent fields speak of the newest envelope: where there are any, only they count (RFC 5322 §3.6.6).
    private static func recipients(in content: [UInt8], _ section: HeaderSection) -> [String] {
        let isResent = resentRecipientFields.contains { section.first($0, in: content.span) != nil }
        var found: [String] = []
        for name in isResent ? resentRecipientFields : recipientFields {
            for field in section.all(name, in: content.span) { found += AddressList.addresses(in: content[field.body]) }
        }
        return found
    }

    private static func qualified(_ name: String, _ host: String) throws(Mistake) -> EmailAddress {
        if let address = try? EmailAddress(parsing: name) { return address }
        guard let address = try? EmailAddress(parsing: name + "@" + host) else { throw .address(name) }
        return address
    }

    private static func removeHiddenFields(from content: inout [UInt8], _ section: HeaderSection) {
        let hidden = hiddenFields.flatMap { section.all($0, in: content.span) }.sorted { $0.lines.lowerBound > $1.lines.lowerBound }
        for field in hidden { content.removeSubrange(field.lines) }
    }

    private static func from(_ address: EmailAddress, name: String?, isTextOnly: Bool) -> [UInt8] {
        let mailbox = HeaderMailbox(displayName: name.flatMap { $0.isEmpty ? nil : $0 }, address: address)
        let field = HeaderField(.from, [mailbox], charset: address.isASCII ? .ascii : .utf8).wire
        // Text without a header becomes the body, not a continuation of our field.
        return isTextOnly ? field + [0x0d, 0x0a] : field
    }
}

extension HeaderSection {
    /// Whether the message begins with text instead of a header.
    fileprivate var isTextOnly: Bool { fields.isEmpty && ending == .malformedLine }
}
