/// Which characters a header may hold as they are.
public enum HeaderCharset: Hashable, Sendable {
    /// ASCII; other text is encoded (RFC 2047) or, in structured fields, lost.
    case ascii
    /// UTF-8, for messages that travel with SMTPUTF8 (RFC 6532).
    case utf8
}
