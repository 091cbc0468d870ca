/// A message that came in whole, with all that the transaction said of it.
public struct ReceivedMessage: Sendable {
    /// The sender and the parameters of MAIL.
    public var mail: MailCommand
    /// The recipients that were accepted, in their order.
    public var recipients: [RcptCommand]
    /// The message as it was received; the last part of it when `isStreamed`.
    public var body: [UInt8]
    /// The length of the whole message.
    public var octets: Int
    /// Whether parts of the message were handed out as chunks before.
    public var isStreamed: Bool
    /// What was noticed in the message.
    public var findings: ContentFindings
    /// How many `Received` fields it came with.
    public var receivedCount: Int
    /// The client's name for itself.
    public var helloName: String
    /// The protocol for the `with` clause of the trace field (RFC 5321 §4.4, RFC 3848, RFC 6531 §4.3).
    public var protocolName: String
    /// Where the message came from before this hop, if XFORWARD told.
    public var forwarded: ForwardedIdentity?
}
