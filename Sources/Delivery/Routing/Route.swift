import MessageFormat
import SMTP

/// A way out that the configuration names.
public struct Route: Hashable, Sendable {
    /// What a route does with mail.
    public enum Transport: Hashable, Sendable {
        /// To the MX hosts of the recipient's domain (RFC 5321 §5.1), at this port.
        case mx(port: UInt16)
        /// To these hosts, in their order.
        case smartHost([HopHost])
        /// By LMTP to these hosts, in their order.
        case lmtp([HopHost])
        /// Into Maildirs below a path template.
        case maildir(path: String)
        /// Into a folder for looking at.
        case sandbox(path: String)
        /// Nowhere.
        case discard
        /// Refused with this reply, as a bounce.
        case reject(Reply)
    }

    /// The configured name.
    public var name: String
    /// What it does.
    public var transport: Transport

    /// A route.
    public init(name: String, transport: Transport) {
        self.name = name
        self.transport = transport
    }
}

/// The routes, and which mail takes which of them.
public struct RoutingTable: Sendable {
    /// The routes; a `RouteID` is an index into them.
    public let routes: [Route]
    private let choose: @Sendable (MailHost, ReversePath) -> Int

    /// A table; `choose` tells the index of the route for recipients at a host of mail from a reverse-path.
    public init(routes: [Route], choose: @escaping @Sendable (MailHost, ReversePath) -> Int) {
        precondition(!routes.isEmpty, "there is always a route, if only one that rejects")
        self.routes = routes
        self.choose = choose
    }

    /// Index of the route for a recipient at `host` of mail from `reversePath`.
    public func route(for host: MailHost, from reversePath: ReversePath) -> Int {
        let index = choose(host, reversePath)
        precondition(routes.indices.contains(index), "the choice is one of the routes")
        return index
    }
}
