import BatonTesting
import DNS
import Delivery
import Events
import MailQueue
import MessageFormat
import Ports
import Receiving
import SMTP
@testable import simulate

/// A simulated world around nodes that share one queue: clients, hosts, DNS, a network and a store, all from one seed.
final class NodesWorld: @unchecked Sendable {
    /// How much happens.
    struct Size {
        var messages = 90
        var sites = 12
        var crashes = 2
        var pauses = 4
        var cuts = 3
    }

    static let names = ["one.example", "two.example"]
    static let addresses: [IPAddress] = [.v4(0xc633_6401), .v4(0xc633_6402)]
    static let endpoints = addresses.map { SocketEndpoint.ip($0, port: 25) }
    /// Deliveries that a site may get at a time.
    static let siteLimit = 3

    let seed: UInt64
    let size: Size
    let simulator: Simulator
    let network: SimulatedNetwork
    let ledger = MailLedger()
    let plan: WorldPlan
    let resolver: FaultyResolver
    let mailboxes: LedgerMailboxes
    let store: MemoryQueueStore
    let stores: [SimulatedStoreClient]
    /// How far the clocks of the nodes are ahead.
    let skews: [Duration]
    private(set) var hosts: [SinkHost] = []
    var nodes: [NodeProcess?] = [nil, nil]
    /// Copies that a crash or a lost lease excuses, by recipient.
    private(set) var excused: [String: Int] = [:]
    /// Results that were lost, in all.
    private(set) var lostResults = 0
    private(set) var violations: [String] = []
    /// What a reader of the store saw, group by group.
    private(set) var seen: [StorePosition] = []
    var troubles: [(node: Int, time: ClosedRange<Timestamp>)] = []
    var hasLeft = [false, false]
    let random: SeededRandom
    let clients: SimulatedProcess
    private let reader: SimulatedProcess

    init(seed: UInt64, size: Size = Size(), defect: MemoryQueueStore.Defect? = nil) {
        self.seed = seed
        self.size = size
        let simulator = Simulator(seed: seed)
        self.simulator = simulator
        network = SimulatedNetwork(simulator)
        let random = simulator.random.fork()
        self.random = random
        plan = WorldPlan(random, sites: size.sites)
        resolver = FaultyResolver(ZoneResolver(plan.zone), simulator: simulator)
        mailboxes = LedgerMailboxes(ledger: ledger, simulator: simulator)
        store = MemoryQueueStore(defect: defect) { simulator.now }
        stores = [SimulatedStoreClient(store, simulator: simulator), SimulatedStoreClient(store, simulator: simulator)]
        skews = [random.duration(in: .minutes(-5)...(.minutes(5))), random.duration(in: .minutes(-5)...(.minutes(5)))]
        clients = SimulatedProcess("clients", in: simulator)
        reader = SimulatedProcess("reader", in: simulator)
        let world = SimulatedProcess("hosts", in: simulator)
        for (name, address) in plan.hosts where plan.listens(name) {
            let isLMTP = name.hasSuffix(WorldPlan.lmtpDomain)
            let host = SinkHost(name, dialect: isLMTP ? .lmtp : .smtp, ledger: ledger, simulator: simulator)
            network.listen(on: .ip(address, port: isLMTP ? 24 : 25), process: world, loops: [world.makeLoop()]) { host.accept($0) }
            hosts.append(host)
        }
    }

    // MARK: Settings of the nodes

    private static func domain(_ name: String) -> Domain {
        guard let domain = try? Domain(parsing: Array(name.utf8)) else { preconditionFailure("\(name) is a domain") }
        return domain
    }

    private static var postmaster: EmailAddress {
        guard let address = try? EmailAddress(parsing: "postmaster@\(WorldPlan.operatorDomain)") else {
            preconditionFailure("the postmaster has an address")
        }
        return address
    }

    func queueSettings(_ node: Int) -> QueueSettings {
        var settings = QueueSettings(hostName: Self.domain(Self.names[node]), postmaster: Self.postmaster)
        settings.scheduler.initialSiteConcurrency = 2
        settings.scheduler.maxSiteConcurrency = Self.siteLimit
        // So short that mail expires, and is late, within hours.
        settings.scheduler.retry.lifetime = .hours(4)
        settings.scheduler.retry.bounceLifetime = .hours(4)
        settings.scheduler.retry.intervals = [.minutes(1), .minutes(2), .minutes(5), .minutes(10), .minutes(20)]
        settings.scheduler.retry.delayNotices = [.hours(1)]
        return settings
    }

    var nodeSettings: NodeSettings {
        var settings = NodeSettings()
        settings.readInterval = .seconds(7)
        // So small that a page now and then does not hold all.
        settings.pageSize = 5
        return settings
    }

    func listenerPolicy(_ node: Int) -> ListenerPolicy {
        var session = ServerSettings()
        session.hostname = Self.names[node]
        session.largeMessageThreshold = 32 << 10
        var rules = AddressRules(postmaster: Self.postmaster, directory: WorldDirectory(plan: plan))
        if let network = IPNetwork("203.0.113.0/24") { rules.relayNetworks = [network] }
        return ListenerPolicy(name: "smtp", session: session, rules: rules, cleanup: CleanupSettings(hostName: Self.domain(Self.names[node])))
    }

    var routingTable: RoutingTable {
        let routes = [
            Route(name: "mx", transport: .mx(port: 25)),
            Route(name: "lmtp", transport: .lmtp([HopHost(.name("mx.\(WorldPlan.lmtpDomain)"), port: 24)])),
            Route(name: "boxes", transport: .maildir(path: "/mail/{user}")),
        ]
        return RoutingTable(routes: routes) { host, _ in
            switch "\(host)" {
            case WorldPlan.lmtpDomain: 1
            case WorldPlan.boxesDomain: 2
            default: 0
            }
        }
    }

    // MARK: What happens

    /// Lets the whole history happen: a stormy first part, then calm until the store is empty.
    func run() {
        beginStorm()
        for number in nodes.indices { start(number) }
        planClients()
        for _ in 0..<size.crashes { plan(.minutes(2)...(.minutes(80))) { self.crash() } }
        for _ in 0..<size.pauses { plan(.minutes(2)...(.minutes(85))) { self.pause() } }
        for _ in 0..<size.cuts { plan(.minutes(2)...(.minutes(85))) { self.cutOff() } }
        plan(.minutes(20)...(.minutes(60))) { self.leave() }
        plan(.minutes(10)...(.minutes(80))) { self.jump() }
        plan(.minutes(10)...(.minutes(80))) { self.reload() }
        readEvents()
        simulator.run(for: .minutes(90))
        beginCalm()
        let isDrained = simulator.run(limit: 2_000_000) { store.waiting == 0 && isAtRest }
        if !isDrained { note("the store does not drain: " + store.listing.prefix(3).joined(separator: "; ")) }
        simulator.run(for: .minutes(3))
    }

    private func plan(_ range: ClosedRange<Duration>, _ event: @escaping () -> Void) {
        simulator.schedule(at: simulator.now + random.duration(in: range), event)
    }

    /// Notes something that must not be.
    func note(_ what: String) { if violations.count < 20 { violations.append(what) } }

    private var isAtRest: Bool { ledger.submissions.allSatisfy { if case .none = $0.result { false } else { true } } }

    private func beginStorm() {
        network.weather = .storm
        resolver.failures = 0.05
        for client in stores { client.weather = .storm }
        for host in hosts {
            // Bounces must have a way back, or nothing could be said about them.
            let isForReports = host.name.hasSuffix(WorldPlan.senderDomain) || host.name.hasSuffix(WorldPlan.operatorDomain)
            let manners = random.chance(0.7) ? SinkManners.rough : SinkManners()
            host.manners = isForReports ? manners.withoutRefusals : manners
        }
    }

    private func beginCalm() {
        network.weather = NetworkWeather()
        resolver.failures = 0
        mailboxes.setFault(nil)
        for host in hosts { host.manners = SinkManners() }
        for (number, client) in stores.enumerated() {
            client.weather = StoreWeather()
            client.isCutOff = false
            nodes[number]?.process.wake()
            if nodes[number] == nil { start(number) }
        }
    }

    func start(_ number: Int) {
        guard nodes[number] == nil else { return }
        let node = NodeProcess(number, in: self)
        nodes[number] = node
        node.start()
        ledger.mark("node: joins")
    }

    // MARK: Accounts

    /// An attempt begins: its node must have the site, and no more than the limit may be open.
    func began(_ site: SiteKey, by node: NodeProcess, _ id: NodeID) {
        if store.holder(of: Place(site: site)) != id { note("\(site): an attempt of a node that does not have the site") }
        var own = 0
        for other in nodes.compactMap({ $0 }) {
            for open in other.watched?.open.values ?? [:].values where open.site == site && !open.hasEnded {
                if other === node {
                    own += 1
                } else if hadTrouble(other.number, since: open.began) {
                    ledger.mark("site: attempts of an earlier holder go on")
                } else {
                    note("\(site): attempts of two nodes without an excuse")
                }
            }
        }
        if own > Self.siteLimit { note("\(site): \(own) attempts at a time") }
    }

    /// The result of an attempt was refused: its recipients may get another copy, if there was a reason.
    func lost(_ open: WatchedQueue.Open, by node: Int) {
        lostResults += 1
        ledger.mark("result lost with its lease")
        if !hadTrouble(node, since: open.began) { note("a result was lost without a reason") }
        excuse(open)
    }

    func excuse(_ open: WatchedQueue.Open) {
        for recipient in open.recipients { excused[recipient, default: 0] += 1 }
    }

    /// Whether something kept a node from its leases after this moment, or shortly before it.
    private func hadTrouble(_ node: Int, since time: Timestamp) -> Bool {
        if let fault = stores[node].lastRowOfFaults, fault >= time - nodeSettings.lease { return true }
        return troubles.contains { $0.node == node && $0.time.upperBound >= time - nodeSettings.lease }
    }

    /// A reader with a position, as history and webhooks have it.
    private func readEvents() {
        let loop = reader.makeLoop()
        let client = SimulatedStoreClient(store, simulator: simulator)
        client.weather = .storm
        loop.execute { self.read(client, loop, after: .start) }
    }

    private func read(_ client: SimulatedStoreClient, _ loop: SimulatedLoop, after position: StorePosition) {
        client.events(after: position, limit: 20, on: loop) { result in
            var next = position
            if case .success(let page) = result {
                self.seen += page.groups.map(\.position)
                next = page.through
            }
            let wait = self.random.duration(in: .milliseconds(10)...(.seconds(4)))
            _ = loop.schedule(at: loop.now + (self.isCalm ? .minutes(1) : wait)) { [next] in self.read(client, loop, after: next) }
        }
    }

    private var isCalm: Bool { network.weather.reset == 0 }
}
