import Events
import MailQueue
import MessageFormat
import Ports
import SMTP

/// Finds the way out: which route a recipient takes, and which site a destination is.
///
/// Confined to the core loop; `@unchecked Sendable` so that the answers of the resolver may hold it.
public final class Router: RouteTable, @unchecked Sendable {
    private let loop: any Loop
    private let hostFinder: any MailHostFinder
    private let tls: TLSPolicyDiscovery?
    private var table: RoutingTable
    /// What destinations were resolved to; as short-lived as their resolution.
    private var hops: [DestinationKey: (hop: NextHop, validUntil: Timestamp)] = [:]
    private var nextSweep = 0
    /// How long an answer that depends on no DNS record is good for.
    private static let staticValidity = Duration.hours(1)
    /// DNS answers are asked for again no sooner and no later than this.
    private static let validity = Duration.seconds(30)...Duration.hours(1)
    /// Resolved destinations that are kept before those past their time are dropped.
    private static let sweepFloor = 1024

    /// A router with this table; MX hosts come from `hostFinder`, and how they are connected to from `tls`.
    public init(table: RoutingTable, hostFinder: any MailHostFinder, tls: TLSPolicyDiscovery? = nil, loop: any Loop) {
        self.tls = tls
        self.table = table
        self.hostFinder = hostFinder
        self.loop = loop
        nextSweep = Router.sweepFloor
    }

    /// Puts another table in force; the queue must recompute its destinations afterwards.
    public func apply(_ table: RoutingTable) {
        self.table = table
        hops.removeAll()
    }

    public func destination(for host: MailHost, from reversePath: ReversePath) -> DestinationKey {
        let index = table.route(for: host, from: reversePath)
        let id = RouteID(UInt32(truncatingIfNeeded: index))
        guard case .mx = table.routes[index].transport else { return DestinationKey(route: id) }
        switch host {
        case .domain(let domain): return DestinationKey(route: id, domain: domain.ascii)
        case .literal(let address): return DestinationKey(route: id, domain: "[\(address)]")
        }
    }

    public func diagnosis(ofFailure failure: UInt32) -> Diagnosis {
        if let failure = RouteFailure(rawValue: failure) { return failure.diagnosis }
        let route = Int(failure &- RouteFailure.firstRejectingRoute)
        guard failure >= RouteFailure.firstRejectingRoute, table.routes.indices.contains(route),
              case .reject(let reply) = table.routes[route].transport else {
            return Diagnosis(status: .init(5, 4, 4), explanation: "There is no route to the recipient.", bounceClass: .network)
        }
        return Diagnosis(status: reply.enhanced ?? .init(5, 7, 1), explanation: reply.lines.joined(separator: " "),
                         bounceClass: .policy)
    }

    /// The name of a route, for listings.
    public func name(of route: RouteID) -> String? {
        let index = Int(route.rawValue)
        return table.routes.indices.contains(index) ? table.routes[index].name : nil
    }

    /// What `key` was resolved to; nil before that, and after a reload.
    public func nextHop(for key: DestinationKey) -> NextHop? { hops[key]?.hop }

    /// Resolves a destination; `completion` is called on the core loop, at once where no question is needed.
    public func resolve(_ key: DestinationKey, completion: @escaping @Sendable (Resolution, Timestamp) -> Void) {
        let now = loop.now
        let index = Int(key.route.rawValue)
        guard table.routes.indices.contains(index) else { return completion(.unavailable, now) }
        let always = now + Router.staticValidity
        switch table.routes[index].transport {
        case .mx(let port): resolveMX(key, port: port, completion: completion)
        case .smartHost(let hosts): settle(key, .smtp(hosts: hosts), site("smtp", hosts), always, completion)
        case .lmtp(let hosts): settle(key, .lmtp(hosts: hosts), site("lmtp", hosts), always, completion)
        case .maildir(let path): settle(key, .maildir(path: path), SiteKey(transport: "maildir:" + path), always, completion)
        case .sandbox(let path): settle(key, .sandbox(path: path), SiteKey(transport: "sandbox:" + path), always, completion)
        case .discard: settle(key, .discard, SiteKey(transport: "discard"), always, completion)
        case .reject:
            completion(.undeliverable(failure: RouteFailure.firstRejectingRoute &+ key.route.rawValue), always)
        }
    }

    private func resolveMX(_ key: DestinationKey, port: UInt16,
                           completion: @escaping @Sendable (Resolution, Timestamp) -> Void) {
        hostFinder.findHosts(of: key.domain, port: port, on: loop) { answer in
            let validUntil = self.loop.now + min(max(answer.timeToLive, Router.validity.lowerBound), Router.validity.upperBound)
            switch answer.result {
            case .hosts(let hosts): self.protect(hosts, of: key, answer, validUntil, completion)
            case .unavailable: completion(.unavailable, validUntil)
            case .undeliverable(let failure): completion(.undeliverable(failure: failure.rawValue), validUntil)
            }
        }
    }

    private func protect(_ hosts: [HopHost], of key: DestinationKey, _ answer: MailHostAnswer, _ validUntil: Timestamp,
                         _ completion: @escaping @Sendable (Resolution, Timestamp) -> Void) {
        guard let tls, !key.domain.hasPrefix("[") else {
            return settle(key, .smtp(hosts: hosts), site("smtp", hosts), validUntil, completion)
        }
        tls.protect(hosts, of: key.domain, isProven: answer.isSecure) { hosts, timeToLive in
            // Fetching a policy takes time, and one that could not be found is looked for again soon.
            let now = self.loop.now
            let end = max(min(validUntil, now + timeToLive), now + Router.validity.lowerBound)
            self.settle(key, .smtp(hosts: hosts), self.site("smtp", hosts), end, completion)
        }
    }

    private func site(_ transport: String, _ hosts: [HopHost]) -> SiteKey {
        SiteKey(transport: transport, hosts: hosts.map { (name: $0.name, port: $0.port == 0 ? nil : $0.port) })
    }

    private func settle(_ key: DestinationKey, _ hop: NextHop, _ site: SiteKey, _ validUntil: Timestamp,
                        _ completion: (Resolution, Timestamp) -> Void) {
        hops[key] = (hop, validUntil)
        if hops.count >= nextSweep { sweep() }
        completion(.site(site), validUntil)
    }

    // A hop stays good for attempts that were decided before its time was over, so the dead are kept a while longer.
    private func sweep() {
        let limit = loop.now - Router.staticValidity
        hops = hops.filter { $0.value.validUntil > limit }
        nextSweep = max(Router.sweepFloor, hops.count * 2)
    }
}

/// Finds the hosts that take a domain's mail (RFC 5321 §5.1).
public protocol MailHostFinder: AnyObject {
    /// Looks the hosts of `domain` up, an A-label name or an address literal in brackets; completes on `loop`.
    func findHosts(of domain: String, port: UInt16, on loop: any Loop,
                   completion: @escaping @Sendable (MailHostAnswer) -> Void)
}

/// What is known of the hosts that take a domain's mail.
public struct MailHostAnswer: Hashable, Sendable {
    /// What was found.
    public enum Result: Hashable, Sendable {
        /// These hosts, best first, in random order among equals.
        case hosts([HopHost])
        /// No answer now.
        case unavailable
        /// There is none, for good.
        case undeliverable(RouteFailure)
    }

    /// What was found.
    public var result: Result
    /// How long it is good for.
    public var timeToLive: Duration
    /// Whether DNSSEC proves it.
    public var isSecure: Bool

    /// An answer.
    public init(_ result: Result, timeToLive: Duration, isSecure: Bool = false) {
        self.result = result
        self.timeToLive = timeToLive
        self.isSecure = isSecure
    }
}
