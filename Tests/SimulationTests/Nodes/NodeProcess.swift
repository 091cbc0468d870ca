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

/// One run of a node: from joining the store to its end or crash.
final class NodeProcess: @unchecked Sendable {
    let process: SimulatedProcess
    let number: Int
    let core: SimulatedLoop
    /// Nil until the node has joined.
    private(set) var queue: SharedQueue?
    private var delivery: DeliveryService?
    private(set) var watched: WatchedQueue?
    private let store: SimulatedStoreClient
    private unowned let world: NodesWorld

    init(_ number: Int, in world: NodesWorld) {
        self.number = number
        self.world = world
        process = SimulatedProcess("node \(number)", in: world.simulator)
        process.jumpClock(by: world.skews[number])
        core = process.makeLoop()
        store = world.stores[number]
    }

    /// Joins the store, as often as it takes, and begins.
    func start() {
        core.execute { self.join() }
    }

    private func join() {
        store.join(on: core) { result in
            if case .success(let node) = result { return self.begin(node) }
            _ = self.core.schedule(at: self.core.now + .seconds(2)) { self.join() }
        }
    }

    private func begin(_ node: NodeID) {
        let random = world.simulator.random.fork()
        let address = NodesWorld.addresses[number]
        let own = OwnHost(names: [NodesWorld.names[number]], addresses: [address], listeners: [NodesWorld.endpoints[number]])
        let router = Router(table: world.routingTable, hostFinder: MXHostFinder(resolver: world.resolver, random: random, own: own),
                            loop: core)
        let queue = SharedQueue(store: store, node: node, settings: world.queueSettings(number), nodeSettings: world.nodeSettings,
                                routes: router, random: random, core: core)
        self.queue = queue
        let watched = WatchedQueue(queue, of: self, in: world)
        self.watched = watched
        queue.observer = watched
        queue.resultLost = { event, envelope in watched.lost(event, envelope) }
        let dialer = world.network.dialer(for: process, address: address)
        let smtp = SMTPAgent(loop: core, dialer: dialer, resolver: world.resolver, random: random, own: own,
                             settings: SMTPAgentSettings(heloName: NodesWorld.names[number]))
        let discard = DiscardAgent(loop: core)
        let maildir = MaildirAgent(settings: MaildirSettings(hostName: NodesWorld.names[number], lineEnds: .crlf), files: world.mailboxes,
                                   executor: LoopMailboxExecutor(loop: process.makeLoop()), loop: core)
        let delivery = DeliveryService(loop: core, queue: watched, router: router,
                                       agents: DeliveryAgents(smtp: smtp, maildir: maildir, sandbox: discard, discard: discard))
        self.delivery = delivery
        let receiving = SMTPService(intake: queue, mint: queue.mint)
        let policy = world.listenerPolicy(number)
        queue.begin()
        delivery.start()
        world.network.listen(on: NodesWorld.endpoints[number], process: process, loops: [process.makeLoop(), process.makeLoop()]) {
            receiving.makeHandler(policy, on: $0)
        }
    }

    /// Ends what is in progress, gives all places back, and calls `completion`.
    func leave(_ completion: @escaping @Sendable () -> Void) {
        world.network.stopListening(on: NodesWorld.endpoints[number])
        core.execute {
            guard let queue = self.queue, let delivery = self.delivery else { return completion() }
            delivery.stop { queue.leave(completion: completion) }
        }
    }

    /// Has everything looked up anew.
    func reload() {
        core.execute {
            guard let queue = self.queue else { return }
            queue.apply(queue.settings)
            queue.reroute()
        }
    }
}

/// Stands between a node's queue and its delivery, and keeps account of what is open.
final class WatchedQueue: DeliveryQueue, QueueObserver, @unchecked Sendable {
    /// An attempt that has begun, and of whose result the store is not known to have word.
    struct Open {
        let attempt: Attempt
        let site: SiteKey
        let began: Timestamp
        var hasEnded = false

        var recipients: [String] { attempt.recipients.map { attempt.envelope.recipients[Int($0)].address.description } }
    }

    private let queue: SharedQueue
    private unowned let node: NodeProcess
    private unowned let world: NodesWorld
    private(set) var open: [AttemptID: Open] = [:]

    init(_ queue: SharedQueue, of node: NodeProcess, in world: NodesWorld) {
        self.queue = queue
        self.node = node
        self.world = world
    }

    var workArrived: (() -> Void)? {
        get { queue.workArrived }
        set { queue.workArrived = newValue }
    }

    func nextStep() -> NextStep { queue.nextStep() }

    func resolved(_ destination: DestinationID, _ resolution: Resolution, validUntil: Timestamp) {
        queue.resolved(destination, resolution, validUntil: validUntil)
    }

    func nextTicket(for site: SiteID) -> AttemptTicket? { queue.nextTicket(for: site) }

    func start(_ ticket: AttemptTicket, ready: @escaping @Sendable (Attempt?) -> Void) {
        queue.start(ticket) { attempt in
            if let attempt, let site = self.queue.key(of: attempt.site) {
                self.open[attempt.id] = Open(attempt: attempt, site: site, began: self.world.simulator.now)
                self.world.began(site, by: self.node, self.queue.node)
            }
            ready(attempt)
        }
    }

    func finish(_ attempt: AttemptID, _ report: AttemptReport, written: @escaping @Sendable (Bool) -> Void) {
        open[attempt]?.hasEnded = true
        queue.finish(attempt, report) { isWritten in
            if isWritten { self.open[attempt] = nil }
            written(isWritten)
        }
    }

    func recorded(_ event: MailEvent, envelope: Envelope?) { _ = close(event) }

    func alert(_ alert: QueueAlert) { world.note("an alert: \(alert.text)") }

    /// The store refused the result of an attempt.
    func lost(_ event: MailEvent, _ envelope: Envelope) {
        guard let open = close(event) else { return }
        world.lost(open, by: node.number)
    }

    private func close(_ event: MailEvent) -> Open? {
        guard case .attempted(let result) = event.detail else { return nil }
        let recipients = Set(result.results.map(\.recipient))
        let found = open.first { _, open in
            open.hasEnded && open.attempt.message == event.message && recipients.isSubset(of: Set(open.attempt.recipients))
        }
        guard let found else { return nil }
        open[found.key] = nil
        return found.value
    }
}
