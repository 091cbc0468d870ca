import Glibc
import Ports

/// Why no connections can be taken at an endpoint.
public struct ListenError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where it was tried.
    public let endpoint: SocketEndpoint
    /// The system call or step that failed.
    public let operation: String
    /// Its `errno`.
    public let code: Int32

    /// A failure of `operation` with `code` at `endpoint`.
    public init(endpoint: SocketEndpoint, operation: String, code: Int32) {
        self.endpoint = endpoint
        self.operation = operation
        self.code = code
    }

    /// What failed, and what to do about it where that is known.
    public var description: String {
        "cannot listen on \(endpoint): \(operation): \(String(cString: strerror(code)))\(hint.map { "; \($0)" } ?? "")"
    }

    private var hint: String? {
        switch (code, endpoint) {
        case (EADDRINUSE, .ip): "another program uses this port"
        case (EADDRINUSE, .unix): "another process serves this socket"
        case (EACCES, .ip): "ports below 1024 need CAP_NET_BIND_SERVICE or socket activation"
        case (ENOENT, .unix): "the directory must exist"
        case (EADDRNOTAVAIL, .ip): "this machine does not have that address"
        default: nil
        }
    }
}
