/// A place where mail is handed over: a transport and the set of hosts with ports behind it.
///
/// All domains with the same set of MX hosts share one site, and so its limits (roll-up). The
/// preference of the hosts does not matter: a provider that shuffles it stays one site.
public struct SiteKey: Hashable, Sendable, CustomStringConvertible {
    /// `transport:host:port,host:port…` with the hosts sorted, each once.
    public let description: String

    /// The site behind `hosts` (lower-case names or addresses, with their port; the path of a Unix socket has none).
    public init(transport: String, hosts: [(name: String, port: UInt16?)]) {
        var names = hosts.map { host in
            if let port = host.port { "\(host.name):\(port)" } else { host.name }
        }
        names.sort()
        var unique: [String] = []
        for name in names where name != unique.last { unique.append(name) }
        description = transport + ":" + unique.joined(separator: ",")
    }

    /// The site of a transport that has no hosts, such as a Maildir.
    public init(transport: String) { description = transport }
}

/// Names an interned site for as long as the scheduler remembers it; a stale id names nothing.
public struct SiteID: Hashable, Sendable {
    let index: UInt32
    let generation: UInt32
}
