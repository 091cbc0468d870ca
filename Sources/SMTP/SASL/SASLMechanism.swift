/// A way to prove who a client is (RFC 4422), by the names that are registered for them.
public enum SASLMechanism: String, Hashable, Sendable, CaseIterable {
    /// A proof of knowing the password that does not tell it (RFC 5802, RFC 7677).
    case scramSHA256 = "SCRAM-SHA-256"
    /// Name and password in one message (RFC 4616).
    case plain = "PLAIN"
    /// Name and password in two messages; older than the standards and still widely used.
    case login = "LOGIN"
    /// A token of an OAuth 2.0 service (RFC 7628).
    case oauthBearer = "OAUTHBEARER"
    /// A token of an OAuth 2.0 service, as Google's and Microsoft's clients send it.
    case xoauth2 = "XOAUTH2"
    /// What the layer below knows already: the certificate of the TLS client (RFC 4422 App. A).
    case external = "EXTERNAL"
}
