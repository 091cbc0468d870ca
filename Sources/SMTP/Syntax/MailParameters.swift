/// The parameters of `MAIL FROM` (RFC 5321 §4.1.1.11 and the extensions that define them).
public struct MailParameters: Hashable, Sendable {
    /// `SIZE=`: the size that the client expects the message to have, in octets (RFC 1870).
    public var size: Int?
    /// `BODY=`: what the message may contain; nil when not said (RFC 6152, RFC 3030).
    public var body: BodyType?
    /// `SMTPUTF8`: addresses and header may be in UTF-8 (RFC 6531).
    public var smtpUTF8 = false
    /// `RET=`: how much of the message a failure notification gives back (RFC 3461 §4.3).
    public var ret: ReturnContent?
    /// `ENVID=`: the sender's name for this envelope, decoded (RFC 3461 §4.4).
    public var envelopeID: String?
    /// `REQUIRETLS`: relay only over verified TLS (RFC 8689).
    public var requireTLS = false
    /// `AUTH=`: who submitted the message, decoded; empty for `<>` (RFC 4954 §5).
    public var auth: String?

    /// No parameter given.
    public init() {}
}
