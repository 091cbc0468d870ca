import MessageFormat
import SMTP

/// Who this host is at a next hop that wants to know; it may depend on the sender.
public struct HopCredentials: Hashable, Sendable {
    /// One of the accounts there.
    public struct Entry: Hashable, Sendable {
        /// The senders that it is for; nil for all.
        public var senders: SenderPatterns?
        /// The account with its secret.
        public var authentication: ClientAuthentication

        /// An account for these senders.
        public init(senders: SenderPatterns? = nil, authentication: ClientAuthentication) {
            self.senders = senders
            self.authentication = authentication
        }
    }

    /// The accounts; the first that fits counts.
    public var entries: [Entry]

    /// The accounts in their order.
    public init(_ entries: [Entry]) { self.entries = entries }

    /// The account for mail from `reversePath`; nil when no entry fits.
    func authentication(for reversePath: ReversePath) -> ClientAuthentication? {
        entries.first { entry in
            guard let senders = entry.senders else { return true }
            return reversePath.address.map(senders.match) ?? false
        }?.authentication
    }
}

extension RoutingTable {
    /// The table whose smart hosts are told who this host is, by the names of the routes.
    public func authenticated(by credentials: [String: HopCredentials]) -> RoutingTable {
        let routes = routes.map { route in
            guard let credentials = credentials[route.name], case .smartHost(let hosts) = route.transport else { return route }
            return Route(name: route.name, transport: .smartHost(hosts.map { host in
                var host = host
                host.credentials = credentials
                return host
            }))
        }
        return RoutingTable(routes: routes) { host, reversePath in self.route(for: host, from: reversePath) }
    }
}
