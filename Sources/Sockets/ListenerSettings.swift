/// How connections are taken.
public struct ListenerSettings: Sendable {
    /// Connections that the system may keep waiting; 1024, bounded by the system's own limit.
    public var backlog: Int32 = 1024
    /// Connections open at once; past it, new ones wait in the backlog. 10,000.
    public var maxConnections = 10_000
    /// Permissions of a Unix socket; 0660.
    public var fileMode: UInt32 = 0o660
    /// Group id that a Unix socket is given; nil leaves the process's own.
    public var fileGroup: UInt32?
    /// Limits of each connection.
    public var connection = ConnectionSettings()

    /// The documented defaults.
    public init() {}
}
