/// Where the certificate of a listener comes from.
public enum CertificateSource: Hashable, Sendable {
    /// PEM files that somebody else renews: the chain, leaf first, and the private key.
    case files(chain: String, privateKey: String)
    /// Ordered from an ACME server and renewed by Baton (RFC 8555).
    case acme
    /// Made by Baton itself, so that TLS works from the first minute.
    case selfSigned
}
