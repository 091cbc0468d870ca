/// Number of a route in the configuration in force; a reload may give the same route another number.
public struct RouteID: Hashable, Sendable {
    /// The router's number.
    public let rawValue: UInt32

    /// The route with the number `rawValue`.
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// What is resolved to a site: a route and, where the route's next hop depends on it, a domain.
public struct DestinationKey: Hashable, Sendable, CustomStringConvertible {
    /// The route.
    public let route: RouteID
    /// The domain as lower-case A-labels, or an address literal; empty for routes with a next hop of their own.
    public let domain: String

    /// The destination `domain` by `route`; leave the domain empty for smart hosts and the like, so
    /// that all recipients of a message that go there share an entry.
    public init(route: RouteID, domain: String = "") {
        self.route = route
        self.domain = domain
    }

    /// `domain` and the number of the route.
    public var description: String { "\(domain)/\(route.rawValue)" }
}

/// Names an interned destination while the scheduler asks for its resolution.
public struct DestinationID: Hashable, Sendable {
    let index: UInt32
    let generation: UInt32
}

/// Whose fair share an entry counts against: what an operator would call one sender.
public struct SenderKey: Hashable, Sendable, CustomStringConvertible {
    /// The name: a login, a client network or the domain of the reverse-path.
    public let name: String

    /// The sender called `name`.
    public init(_ name: String) { self.name = name }

    /// The name.
    public var description: String { name }
}
