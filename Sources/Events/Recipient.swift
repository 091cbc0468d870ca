import MessageFormat
import SMTP

/// One recipient of a message.
public struct Recipient: Hashable, Sendable {
    /// The forward-path: where this copy goes (RFC 5321 §4.1.1.3).
    public var address: EmailAddress
    /// ORCPT (RFC 3461 §4.2).
    public var originalRecipient: OriginalRecipient?
    /// NOTIFY; nil when absent, which means failure and, at our choice, delay (RFC 3461 §4.1).
    public var notify: NotifyConditions?
    /// Index of the recipient that expanded into this one.
    public var parent: UInt16?
    /// Whether this recipient became others at acceptance and is final as `expanded`.
    public var isExpanded: Bool
    /// Whether an alias led it out of our domains: SPF covers us there, not the sender.
    public var isForwarded: Bool

    /// A recipient as RCPT gave it.
    public init(address: EmailAddress, originalRecipient: OriginalRecipient? = nil, notify: NotifyConditions? = nil,
                parent: UInt16? = nil, isExpanded: Bool = false, isForwarded: Bool = false) {
        self.address = address
        self.originalRecipient = originalRecipient
        self.notify = notify
        self.parent = parent
        self.isExpanded = isExpanded
        self.isForwarded = isForwarded
    }
}
