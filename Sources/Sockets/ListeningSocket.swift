import Glibc
import NIOCore
import Ports

/// A listening socket of the system: bound, with its permissions set.
struct ListeningSocket: ~Copyable {
    /// The descriptor; negative after `release`.
    private var descriptor: CInt
    /// Where it listens, with the port that the system chose where port 0 was asked for.
    let endpoint: SocketEndpoint
    /// The file of a Unix socket, to be removed when this socket goes.
    let file: SocketFile?

    /// Binds to `endpoint` and listens.
    init(_ endpoint: SocketEndpoint, settings: ListenerSettings) throws(ListenError) {
        guard let address = endpoint.socketAddress else {
            throw ListenError(endpoint: endpoint, operation: "bind", code: ENAMETOOLONG)
        }
        if case .unix(let path) = endpoint { try SocketFile.removeStale(path, address: address) }
        let descriptor = Glibc.socket(address.family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw ListenError(endpoint: endpoint, operation: "socket", code: errno) }
        do throws(ListenError) {
            self.endpoint = try ListeningSocket.bind(descriptor, to: endpoint, address: address, settings: settings)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        if case .unix(let path) = endpoint { file = SocketFile(path) } else { file = nil }
        self.descriptor = descriptor
    }

    /// Takes over a socket that another process has bound, as service managers hand them on.
    init(inherited descriptor: CInt, backlog: Int32) throws(ListenError) {
        let endpoint = ListeningSocket.boundEndpoint(descriptor) ?? .unix(path: "descriptor \(descriptor)")
        guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0, listen(descriptor, backlog) == 0 else {
            throw ListenError(endpoint: endpoint, operation: "listen", code: errno)
        }
        // As on a socket of one's own; a Unix socket has no such option.
        if case .ip = endpoint { _ = ListeningSocket.set(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY) }
        self.descriptor = descriptor
        self.endpoint = endpoint
        file = nil
    }

    /// Hands the descriptor over to the caller, who closes it from now on.
    consuming func release() -> CInt {
        defer { descriptor = -1 }
        return descriptor
    }

    deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

    private static func bind(_ descriptor: CInt, to endpoint: SocketEndpoint, address: SocketAddress,
                             settings: ListenerSettings) throws(ListenError) -> SocketEndpoint {
        func check(_ result: CInt, _ operation: String) throws(ListenError) {
            guard result == 0 else { throw ListenError(endpoint: endpoint, operation: operation, code: errno) }
        }
        switch endpoint {
        case .ip(let ip, _):
            try check(set(descriptor, SOL_SOCKET, SO_REUSEADDR), "SO_REUSEADDR")
            // IPv4 gets listeners of its own: one address family a socket keeps access rules unambiguous.
            if case .v6 = ip { try check(set(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY), "IPV6_V6ONLY") }
            // Accepted sockets inherit it.
            try check(set(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY), "TCP_NODELAY")
            try check(address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) }, "bind")
        case .unix(let path):
            // Linux gives the file the mode of the descriptor: nobody can connect before group and mode are right.
            try check(fchmod(descriptor, 0o600), "fchmod")
            try check(address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) }, "bind")
            if let group = settings.fileGroup { try check(chown(path, uid_t.max, group), "chown") }
            try check(chmod(path, settings.fileMode), "chmod")
        }
        try check(listen(descriptor, settings.backlog), "listen")
        if case .ip = endpoint { return boundEndpoint(descriptor) ?? endpoint }
        return endpoint
    }

    private static func set(_ descriptor: CInt, _ level: CInt, _ option: CInt) -> CInt {
        var on: CInt = 1
        return setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<CInt>.size))
    }

    static func boundEndpoint(_ descriptor: CInt) -> SocketEndpoint? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &storage) { bytes -> SocketEndpoint? in
            guard let base = bytes.baseAddress,
                  getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &length) == 0 else { return nil }
            return SocketEndpoint(systemAddress: UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, Int(length))]))
        }
    }
}

extension SocketAddress {
    /// `AF_…` of the address.
    fileprivate var family: CInt {
        switch self {
        case .v4: AF_INET
        case .v6: AF_INET6
        case .unixDomainSocket: AF_UNIX
        }
    }
}
