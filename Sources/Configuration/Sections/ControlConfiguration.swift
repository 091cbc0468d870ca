/// The sockets that commands talk to the daemon over.
public struct ControlConfiguration: Hashable, Sendable {
    /// The socket of operators.
    public var socket = "/run/baton/control"
    /// The socket that every local user may submit mail over.
    public var submitSocket = "/run/baton/submit"
    /// The group whose members are operators.
    public var group = "baton"
    /// Where `baton send` leaves mail while the daemon is down; nil for `maildrop` in the spool.
    public var maildrop: String?

    /// The documented defaults.
    public init() {}

    static var keys: [Key<ControlConfiguration>] { [
        .value("socket", \.socket, .path("socket path"), "The socket of `baton queue`, `trace`, `status` and `reload`.", effect: .restart),
        .value("submitSocket", \.submitSocket, .path("socket path"), "The socket of `baton send`, open to every local user.", effect: .restart),
        .value("group", \.group, .text(maxOctets: 32), "The group whose members may use `socket`.", effect: .restart),
        .optional("maildrop", \.maildrop, .path("directory"), otherwise: "`maildrop` in `spool.directory`",
                  "Where `baton send` leaves mail while the daemon is down; it is adopted at the next start.", effect: .restart),
    ] }
}
