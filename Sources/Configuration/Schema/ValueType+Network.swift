import MessageFormat
import Ports

extension ValueType where Value == IPNetwork {
    /// A network in CIDR form.
    static var network: ValueType {
        .word("network", text: { yamlText($0.description) }) { word in
            if let network = IPNetwork(word) { return .success(network) }
            let parts = word.split(separator: "/")
            if parts.count == 2, let address = IPAddress(parts[0]), let length = Int(parts[1]),
               (0...(address.isIPv4 ? 32 : 128)).contains(length) {
                let network = IPNetwork(containing: address, prefixLength: length)
                return .failure(Expectation("expected a network without host bits such as \(network)"))
            }
            return .failure(Expectation("expected a network such as 192.0.2.0/24 or 2001:db8::/32"))
        }
    }
}

extension ValueType where Value == IPAddress {
    /// An IP address.
    static var address: ValueType {
        .scalar("IP address", expected: "an IP address", text: { yamlText($0.description) }) { IPAddress($0) }
    }
}

extension ValueType where Value == SocketEndpoint {
    /// An address with a port, which may be left out.
    static func server(defaultPort: UInt16) -> ValueType {
        .scalar("server address", expected: "a server address such as 192.0.2.1 or [2001:db8::1]:\(defaultPort)",
                text: { yamlText($0.description) }) { word in
            if let address = IPAddress(word) { return .ip(address, port: defaultPort) }
            guard let (host, port) = HostAndPort.split(word), let address = IPAddress(host), port > 0 else { return nil }
            return .ip(address, port: port)
        }
    }
}

/// Splits `host:port` and `[v6]:port`.
enum HostAndPort {
    static func split(_ text: String) -> (host: Substring, port: UInt16)? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else { return nil }
            host = host.dropFirst().dropLast()
            guard case .v6 = IPAddress(host) else { return nil }
        } else if host.contains(":") {
            // Without brackets nobody can tell where an IPv6 address ends.
            return nil
        }
        return (host, port)
    }

    /// The path of a `unix:` address; nil when it is none or too long for a socket.
    static func unixPath(_ text: String) -> String? {
        guard text.hasPrefix("unix:") else { return nil }
        let path = String(text.dropFirst(5))
        return path.hasPrefix("/") && path.utf8.count <= maxUnixPathOctets && !path.utf8.contains(0) ? path : nil
    }

    /// `sockaddr_un` has 108 octets, one of them the final zero.
    static let maxUnixPathOctets = 107
}

/// Where a listener takes connections.
public enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// `:25`: every address of this host, IPv4 and, where there is any, IPv6.
    case everywhere(port: UInt16)
    /// One address, or a Unix socket.
    case endpoint(SocketEndpoint)

    /// The endpoints to bind; of `everywhere`, the IPv4 one first.
    public var endpoints: [SocketEndpoint] {
        switch self {
        case .everywhere(let port): [.ip(.v4(0), port: port), .ip(.v6(high: 0, low: 0), port: port)]
        case .endpoint(let endpoint): [endpoint]
        }
    }

    /// As in the file: `:25`, `127.0.0.1:25`, `[::]:25` or `unix:/path`.
    public var description: String {
        switch self {
        case .everywhere(let port): ":\(port)"
        case .endpoint(.unix(let path)): "unix:\(path)"
        case .endpoint(let endpoint): endpoint.description
        }
    }

    /// Whether only this host can connect.
    public var isLocal: Bool {
        switch self {
        case .everywhere: false
        case .endpoint(.unix): true
        case .endpoint(.ip(let address, _)): address.isLoopback
        }
    }

    /// Whether both cannot be bound at the same time.
    func collides(with other: ListenAddress) -> Bool {
        for case .ip(let own, let port) in endpoints {
            for case .ip(let theirs, port) in other.endpoints where own.isIPv4 == theirs.isIPv4 {
                if own == theirs || own.isUnspecified || theirs.isUnspecified { return true }
            }
        }
        return self == other
    }
}

extension IPAddress {
    var isIPv4: Bool { if case .v4 = self { true } else { false } }
    var isUnspecified: Bool { self == .v4(0) || self == .v6(high: 0, low: 0) }
}

extension ValueType where Value == ListenAddress {
    /// Where a listener takes connections.
    static var listenAddress: ValueType {
        .scalar("listen address", expected: "an address such as 127.0.0.1:25, [::1]:25, :25 or unix:/run/baton/lmtp",
                text: { yamlText($0.description) }) { word in
            if let path = HostAndPort.unixPath(word) { return .endpoint(.unix(path: path)) }
            guard let (host, port) = HostAndPort.split(word), port > 0 else { return nil }
            if host.isEmpty { return .everywhere(port: port) }
            return IPAddress(host).map { .endpoint(.ip($0, port: port)) }
        }
    }
}

/// A server that a route leads to.
public enum RouteHost: Hashable, Sendable, CustomStringConvertible {
    /// A host whose addresses are looked up.
    case name(Domain, port: UInt16)
    /// An address.
    case address(IPAddress, port: UInt16)
    /// A Unix socket.
    case unix(path: String)

    /// As in the file: `mail.example.org:25`, `192.0.2.1:25`, `[2001:db8::1]:25` or `unix:/path`.
    public var description: String {
        switch self {
        case .name(let name, let port): "\(name):\(port)"
        case .address(let address, let port): SocketEndpoint.ip(address, port: port).description
        case .unix(let path): "unix:\(path)"
        }
    }
}

extension ValueType where Value == RouteHost {
    /// A server of a route; its port is 0 where the file has none.
    static var routeHost: ValueType {
        .scalar("host", expected: "a host such as mail.example.org, mail.example.org:587, [2001:db8::1]:25 or unix:/run/dovecot/lmtp",
                text: { yamlText($0.description) }) { word in
            if let path = HostAndPort.unixPath(word) { return .unix(path: path) }
            if let address = IPAddress(word) { return .address(address, port: 0) }
            let (host, port) = HostAndPort.split(word) ?? (word[...], 0)
            if port == 0, word.contains(":") { return nil }
            if let address = IPAddress(host) { return .address(address, port: port) }
            // A name whose last label is a number is a misspelt address.
            guard let name = try? Domain(parsing: host), name.labels.last?.allSatisfy(\.isNumber) == false else { return nil }
            return .name(name, port: port)
        }
    }
}
