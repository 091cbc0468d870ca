import Ports

/// How many connections the receiving side serves, and for how long.
public struct ReceivingSettings: Hashable, Sendable {
    /// Connections open at once, over all listeners; past it, new ones get 421.
    public var maxConnections = 10_000
    /// Connections open at once from one client; relay networks are not counted.
    public var maxConnectionsPerClient = 20
    /// Connections that one client may open in a minute; relay networks are not counted.
    public var maxConnectionRate = 60
    /// Leading bits that make IPv4 addresses one client.
    public var ipv4PrefixLength = 32
    /// Leading bits that make IPv6 addresses one client.
    public var ipv6PrefixLength = 64
    /// Share of `maxConnections` from which on the server is under stress.
    public var stressShare = 0.9
    /// Time for a command under stress.
    public var stressTimeout = Duration.seconds(10)
    /// Time for a PROXY header.
    public var proxyTimeout = Duration.seconds(5)
    /// Whether the names of clients are looked up in DNS.
    public var clientNames = ClientNames.lookedUp
    /// Time for that; a client that has come to MAIL waits for its name no longer.
    public var clientNameTimeout = Duration.seconds(5)

    /// The documented defaults.
    public init() {}
}
