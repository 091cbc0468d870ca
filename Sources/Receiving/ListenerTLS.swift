import Ports

/// How a listener speaks TLS.
public struct ListenerTLS: Sendable {
    /// When TLS begins.
    public enum Start: Hashable, Sendable {
        /// When the client asks with STARTTLS (RFC 3207).
        case startTLS
        /// At once (RFC 8314 §3.3).
        case implicit
    }

    /// The certificates and rules.
    public var context: any TLSServerContext
    /// When TLS begins.
    public var start: Start
    /// Whether mail is taken under TLS only.
    public var isRequired: Bool
    /// Time for the handshake.
    public var handshakeTimeout: Duration

    /// TLS by `context`.
    public init(_ context: any TLSServerContext, start: Start = .startTLS, isRequired: Bool = false,
                handshakeTimeout: Duration = .seconds(30)) {
        self.context = context
        self.start = start
        self.isRequired = isRequired
        self.handshakeTimeout = handshakeTimeout
    }
}
