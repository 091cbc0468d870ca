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

/// Which mail takes which route; the first of: recipient domain, sender address, sender domain, default.
public struct RoutingTable: Sendable {
    /// The routes; a `RouteID` is an index into them.
    public var routes: [Route]
    /// Recipient domains as A-labels, `.example.com` for everything below it, with the index of their route.
    public var domains: [String: Int]
    /// Reverse-paths, as addresses or as `@domain`, with the index of their route.
    public var senders: [String: Int]
    /// The route of everything else.
    public var defaultRoute: Int

    /// A table; every index must be one of `routes`.
    public init(routes: [Route], domains: [String: Int] = [:], senders: [String: Int] = [:], defaultRoute: Int) {
        precondition(routes.indices.contains(defaultRoute) && domains.values.allSatisfy(routes.indices.contains)
            && senders.values.allSatisfy(routes.indices.contains), "a rule names a route that is not there")
        self.routes = routes
        self.domains = domains
        self.senders = senders
        self.defaultRoute = defaultRoute
    }

    /// Index of the route for a recipient at `host` of mail from `reversePath`.
    public func route(for host: MailHost, from reversePath: ReversePath) -> Int {
        if !domains.isEmpty, case .domain(let domain) = host, let route = route(forDomain: domain.ascii) { return route }
        if !senders.isEmpty, case .mailbox(let sender) = reversePath {
            if let route = senders[sender.description] { return route }
            if case .domain(let domain) = sender.host, let route = senders["@" + domain.ascii] { return route }
        }
        return defaultRoute
    }

    private func route(forDomain name: String) -> Int? {
        if let route = domains[name] { return route }
        var rest = name[...]
        while let dot = rest.firstIndex(of: ".") {
            if let route = domains[String(rest[dot...])] { return route }
            rest = rest[rest.index(after: dot)...]
        }
        return nil
    }
}
