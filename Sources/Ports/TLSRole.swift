/// Certificates and rules by which a listener speaks TLS; made by the network target.
public protocol TLSServerContext: AnyObject, Sendable {}

/// Which side of the handshake a connection takes.
public enum TLSRole: Sendable {
    /// The server's, with these certificates and rules.
    case server(any TLSServerContext)
    /// The client's.
    case client(TLSClientSettings)
}

/// How one outgoing connection speaks TLS.
public struct TLSClientSettings: Sendable {
    /// The name to ask for (SNI, RFC 6066 §3); a host name as A-labels, nil for none.
    public var serverName: String?
    /// How the server is checked.
    public var verification: TLSVerification
    /// The configured name of the certificate to present when asked for one; nil for none.
    public var certificate: String?

    /// Settings.
    public init(serverName: String? = nil, verification: TLSVerification = .none, certificate: String? = nil) {
        self.serverName = serverName
        self.verification = verification
        self.certificate = certificate
    }
}

/// How the certificate of a server is checked.
public enum TLSVerification: Sendable {
    /// Not at all: encryption against those who only listen (RFC 7435).
    case none
    /// It must lead to a trusted root (RFC 5280) and be for one of these names (RFC 6125 §6.4, RFC 9525).
    case names([String])
    /// By this function alone, which gets the presented certificates in DER, the server's own first; it is
    /// called on the connection's loop.
    case chain(@Sendable ([[UInt8]]) -> TLSChainVerdict)
}

/// What a function says of the certificates that a server presented.
public enum TLSChainVerdict: Hashable, Sendable {
    /// They are the server's.
    case accepted
    /// They are not, for this reason.
    case refused(TLSFailure)
}
