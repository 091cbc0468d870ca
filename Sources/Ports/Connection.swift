/// Where a socket is, or goes to.
public enum SocketEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A TCP address and port.
    case ip(IPAddress, port: UInt16)
    /// The path of a Unix stream socket.
    case unix(path: String)

    /// `192.0.2.1:25`, `[2001:db8::1]:25` or the path.
    public var description: String {
        switch self {
        case .ip(let address, let port):
            if case .v6 = address { "[\(address)]:\(port)" } else { "\(address):\(port)" }
        case .unix(let path): path
        }
    }

    /// Appends `description` to `bytes`.
    public func append(to bytes: inout [UInt8]) {
        guard case .ip(let address, let port) = self, case .v4 = address else { return bytes.append(contentsOf: description.utf8) }
        address.append(to: &bytes)
        bytes.append(0x3a)
        bytes.append(contentsOf: String(port).utf8)
    }
}

/// An open byte stream, confined to its loop.
public protocol Connection: AnyObject {
    /// The loop that calls the handler and that every method must be called on.
    var loop: any Loop { get }
    /// This end.
    var localEndpoint: SocketEndpoint { get }
    /// The other end.
    var remoteEndpoint: SocketEndpoint { get }
    /// User id of the process at the other end of a Unix socket, where the system tells it.
    var peerUserID: UInt32? { get }
    /// Whether what was written before still waits in memory: write no more until `ConnectionHandler.writable`.
    var isCongested: Bool { get }

    /// Takes `bytes` for writing; they leave at the next `flush`.
    func write(_ bytes: [UInt8])
    /// Takes a part of `bytes` for writing; they leave at the next `flush`.
    func write(_ bytes: ArraySlice<UInt8>)
    /// Sends what was written.
    func flush()
    /// Stops or starts `ConnectionHandler.received`: this is the back-pressure.
    func setReading(_ reading: Bool)
    /// Sends what was written, then closes; the handler still hears `closed`.
    func close()
    /// Closes at once and drops what was not yet sent; the handler still hears `closed`.
    func abort()
    /// Sends what was written in the clear, then begins the TLS handshake in `role`; once only.
    ///
    /// Input that was received before and not handed on is dropped: nothing that was sent in the clear may
    /// count as sent under TLS (RFC 3207 §4.2). `received` holds octets that the caller took from the stream
    /// and that do belong to the handshake. Within `timeout` the handler hears `tlsEstablished` or
    /// `tlsFailed`; after the latter the connection closes by itself.
    func startTLS(_ role: TLSRole, timeout: Duration, received: [UInt8])
}

extension Connection {
    /// Begins the TLS handshake of a connection of which nothing was taken that belongs to it.
    public func startTLS(_ role: TLSRole, timeout: Duration) { startTLS(role, timeout: timeout, received: []) }
}

/// What a connection tells its owner, always on the connection's loop.
public protocol ConnectionHandler: AnyObject {
    /// The stream is open; first call, once.
    func opened(_ connection: any Connection)
    /// Bytes came in; valid during the call only.
    func received(_ bytes: UnsafeRawBufferPointer)
    /// No more bytes are at hand now: the moment to flush.
    func receivedAll()
    /// `isCongested` has become false again.
    func writable()
    /// TLS is up: what is received and written from now on is under it.
    func tlsEstablished(_ summary: TLSSummary)
    /// TLS did not come up; `closed` follows.
    func tlsFailed(_ failure: TLSFailure)
    /// The stream is gone; last call, once. `error` is nil after an orderly end.
    func closed(_ error: ConnectionError?)
}

extension ConnectionHandler {
    /// Nothing to do for a handler that starts no TLS.
    public func tlsEstablished(_ summary: TLSSummary) {}
    /// Nothing to do for a handler that starts no TLS: `closed` follows.
    public func tlsFailed(_ failure: TLSFailure) {}
}

/// Why a connection could not be made or broke.
public enum ConnectionError: Error, Hashable, Sendable {
    /// Nothing listens there.
    case refused
    /// No route to the host or network.
    case unreachable
    /// No answer within the time given.
    case timedOut
    /// The other side broke the stream.
    case reset
    /// No descriptor or port was left for it.
    case exhausted
    /// Anything else, by its `errno`.
    case system(errno: Int32)
}

/// Opens connections.
public protocol Dialer: AnyObject {
    /// Connects to `endpoint`, from `source` where given, within `timeout`.
    ///
    /// On `loop`, either `handler.opened` is called or `failed` with the reason, once.
    func dial(_ endpoint: SocketEndpoint, from source: IPAddress?, timeout: Duration, on loop: any Loop,
              handler: any ConnectionHandler, failed: @escaping (ConnectionError) -> Void)
}
