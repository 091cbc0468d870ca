import BatonTesting
import DNS
import Delivery
import Events
import MailQueue
import MessageFormat
import Ports
import Receiving
import SMTP
import Storage

/// One run of Baton in a simulated world: from its start to its end or crash.
final class RelayProcess: @unchecked Sendable {
    let process: SimulatedProcess
    let queue: Queue
    let executor: SimulatedStorageExecutor
    private let core: SimulatedLoop
    private let log: Log
    private let router: Router
    private let delivery: DeliveryService
    private let receiving: SMTPService
    let report: RecoveryReport

    /// Starts Baton on what the disk holds.
    init(in world: RelayWorld) throws {
        let simulator = world.simulator
        let process = SimulatedProcess("relay", in: simulator)
        self.process = process
        let core = process.makeLoop()
        self.core = core
        let random = simulator.random.fork()
        executor = SimulatedStorageExecutor(process)

        let own = OwnHost(names: [WorldPlan.relayName], addresses: [WorldPlan.relayAddress],
                          listeners: [WorldPlan.relayEndpoint])
        router = Router(table: world.routingTable, hostFinder: MXHostFinder(resolver: world.resolver, random: random, own: own), loop: core)

        var recovery = QueueRecovery(routes: router)
        recovery.lastExit = world.lastExit
        let opened = try Log.open(files: world.disk.root, executor: executor, settings: world.logSettings, random: random,
                                  knows: QueueRecovery.knows) { item in
            world.trace?.replayed(item)
            recovery.take(item)
        }
        log = opened.log
        report = opened.report
        queue = Queue(log: opened.log, recovery: recovery, settings: world.queueSettings, routes: router,
                      random: random, core: core)
        let dialer = world.network.dialer(for: process, address: WorldPlan.relayAddress)
        let smtp = SMTPAgent(loop: core, dialer: dialer, resolver: world.resolver, random: random, own: own,
                             settings: SMTPAgentSettings(heloName: WorldPlan.relayName))
        let discard = DiscardAgent(loop: core)
        let maildir = MaildirAgent(settings: MaildirSettings(hostName: WorldPlan.relayName, lineEnds: .crlf), files: world.mailboxes,
                                   executor: LoopMailboxExecutor(loop: process.makeLoop()), loop: core)
        delivery = DeliveryService(loop: core, queue: queue, router: router,
                                   agents: DeliveryAgents(smtp: smtp, maildir: maildir, sandbox: discard, discard: discard))
        receiving = SMTPService(intake: queue, mint: queue.mint)
        queue.observer = world.trace
        begin(in: world)
    }

    private func begin(in world: RelayWorld) {
        core.execute {
            self.queue.begin()
            self.delivery.start()
        }
        let policy = world.listenerPolicy
        let receiving = receiving
        world.network.listen(on: WorldPlan.relayEndpoint, process: process, loops: [process.makeLoop(), process.makeLoop()]) {
            receiving.makeHandler(policy, on: $0)
        }
    }

    /// Messages in the queue.
    var waiting: Int { queue.status.messages }

    /// Has an operator do something to waiting messages.
    func operate(_ operation: QueueOperation, on filter: QueueFilter) {
        queue.perform(operation, on: filter, mode: .perform, replyOn: core) { _ in }
    }

    /// Has everything tried at once.
    func flush() {
        core.execute { self.queue.flush() }
    }

    /// Puts other routes in force.
    func reload(_ table: RoutingTable) {
        core.execute {
            self.router.apply(table)
            self.queue.apply(self.queue.settings)
            self.queue.reroute()
        }
    }
}
