/// Which of the protocols of the SMTP family a session speaks.
public enum Dialect: UInt8, Hashable, Sendable {
    /// Mail between relays (RFC 5321).
    case smtp
    /// Mail from a user's client (RFC 6409).
    case submission
    /// Delivery with a reply for each recipient (RFC 2033).
    case lmtp
}
