import MessageFormat

/// One mail transaction as the client is to carry it out (RFC 5321 §3.3).
public struct ClientTransaction: Hashable, Sendable {
    /// Where failures are reported to.
    public var reversePath: ReversePath
    /// Whom the message is for, in any number: the session takes as many as the server lets it.
    public var recipients: [ClientRecipient]
    /// Octets of the message, for SIZE (RFC 1870); nil when not known.
    public var size: Int?
    /// What the message holds (RFC 6152, RFC 3030).
    public var body = BodyType.sevenBit
    /// Whether the sender asked for SMTPUTF8 (RFC 6531).
    public var smtpUTF8 = false
    /// Whether the sender asked for REQUIRETLS (RFC 8689): a server that does not offer it gets nothing.
    public var requireTLS = false
    /// Whether a header field holds octets above 127.
    public var hasEightBitHeader = false
    /// `RET=` (RFC 3461 §4.3).
    public var returnContent: ReturnContent?
    /// `ENVID=`, decoded (RFC 3461 §4.4).
    public var envelopeID: String?

    /// A transaction of 7-bit content without parameters.
    public init(reversePath: ReversePath, recipients: [ClientRecipient], size: Int? = nil) {
        self.reversePath = reversePath
        self.recipients = recipients
        self.size = size
    }
}

/// One recipient of a client's transaction.
public struct ClientRecipient: Hashable, Sendable {
    /// Where the message is to go.
    public var forwardPath: ForwardPath
    /// `NOTIFY=` and `ORCPT=`, sent to servers that know DSN (RFC 3461).
    public var parameters = RcptParameters()

    /// A recipient.
    public init(_ forwardPath: ForwardPath, parameters: RcptParameters = RcptParameters()) {
        self.forwardPath = forwardPath
        self.parameters = parameters
    }
}
