import Ports

/// Reads the PROXY header that a load balancer puts in front of a session; filled in from the network target.
public protocol ProxyProtocol: Sendable {
    /// Reads the header at the start of `bytes`.
    func read(_ bytes: UnsafeRawBufferPointer) -> ProxyProtocolResult
}

/// What the first octets of a proxied connection are.
public enum ProxyProtocolResult: Hashable, Sendable {
    /// The header goes on.
    case incomplete
    /// No header: the connection must be dropped.
    case invalid
    /// A header of `length` octets; `source` and `destination` are nil when the socket's own ends hold.
    case complete(length: Int, source: SocketEndpoint?, destination: SocketEndpoint?)
}
