/// The parameters of `RCPT TO` (RFC 5321 §4.1.1.11, RFC 3461).
public struct RcptParameters: Hashable, Sendable {
    /// `NOTIFY=`: when to send a delivery status notification; nil when not said (RFC 3461 §4.1).
    public var notify: NotifyConditions?
    /// `ORCPT=`: the recipient as the sender first wrote it (RFC 3461 §4.2).
    public var originalRecipient: OriginalRecipient?

    /// No parameter given.
    public init() {}
}
