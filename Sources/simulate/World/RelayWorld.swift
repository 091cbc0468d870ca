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

/// How large a world is, and what goes wrong in it.
struct WorldSize {
    /// The least of each; there is more of one until there is enough of the other.
    var messages = 200
    var recipients = 500
    var sites = 20
    var crashes = 5
}

/// A simulated world around one Baton: clients, hosts, DNS, a network and a disk, all from one seed.
final class RelayWorld: @unchecked Sendable {
    enum End: Hashable {
        /// The process died; the system kept what it was given.
        case killed
        /// The power went: what was not synced is lost, torn or there.
        case powerCut
    }

    let seed: UInt64
    let size: WorldSize
    let simulator: Simulator
    /// When the history began.
    let start: Timestamp
    let network: SimulatedNetwork
    let ledger = MailLedger()
    let plan: WorldPlan
    let resolver: FaultyResolver
    let mailboxes: LedgerMailboxes
    private(set) var hosts: [SinkHost] = []
    private(set) var disk = SimulatedDisk()
    private(set) var relay: RelayProcess?
    private(set) var lastExit = LastExit.unknown
    /// When Baton ended, and how.
    private(set) var crashes: [(time: Timestamp, end: End)] = []
    /// When the disk did not work.
    private(set) var diskTrouble: [ClosedRange<Timestamp>] = []
    /// What the world noticed that must not be.
    private(set) var violations: [String] = []
    private var usesHub = false
    private var isCrashing = false
    private let random: SeededRandom
    /// What the lines of contents are cut from.
    private let randomText: [UInt8]
    /// Who is told what happens, if anybody.
    private(set) var trace: Trace?
    private let clients: SimulatedProcess
    private let hostProcess: SimulatedProcess

    init(seed: UInt64, size: WorldSize = WorldSize(), isTraced: Bool = false) {
        self.seed = seed
        self.size = size
        simulator = Simulator(seed: seed)
        start = simulator.now
        if isTraced { trace = Trace(start: simulator.now) { [simulator] in simulator.now } }
        network = SimulatedNetwork(simulator)
        let random = simulator.random.fork()
        self.random = random
        randomText = (0..<2000).map { _ in UInt8(0x20 + random.next(below: 0x5f)) }
        plan = WorldPlan(random, sites: size.sites)
        resolver = FaultyResolver(ZoneResolver(plan.zone), simulator: simulator)
        mailboxes = LedgerMailboxes(ledger: ledger, simulator: simulator)
        clients = SimulatedProcess("clients", in: simulator)
        let world = SimulatedProcess("hosts", in: simulator)
        hostProcess = world
        for (name, address) in plan.hosts where plan.listens(name) {
            let isLMTP = name.hasSuffix(WorldPlan.lmtpDomain)
            let host = SinkHost(name, dialect: isLMTP ? .lmtp : .smtp, ledger: ledger, simulator: simulator)
            network.listen(on: .ip(address, port: isLMTP ? 24 : 25), process: world, loops: [world.makeLoop()]) { host.accept($0) }
            hosts.append(host)
        }
    }

    // MARK: Settings of the Baton in it

    var logSettings: LogSettings {
        var settings = LogSettings()
        // Small, so that segments turn over, checkpoints are written and compaction runs within one history.
        settings.segmentBytes = 64 << 10
        settings.spareSegments = 1
        settings.checkpointBytes = 150_000
        settings.slackBytes = 1 << 20
        settings.outcomeReserveBytes = 8 << 10
        return settings
    }

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

    var queueSettings: QueueSettings {
        var settings = QueueSettings(hostName: Self.domain(WorldPlan.relayName), postmaster: Self.postmaster)
        settings.bodyMemory = 256 << 10
        settings.minFreeBytes = 0
        // Long enough for every interval and for a delay notice, and no longer: what repeats itself shows nothing new.
        settings.scheduler.retry.lifetime = .hours(16)
        settings.scheduler.retry.bounceLifetime = .hours(8)
        // Crashes come from outside here and say nothing of a message.
        settings.crashesUntilHeld = 200
        return settings
    }

    lazy var listenerPolicy: ListenerPolicy = {
        var session = ServerSettings()
        session.hostname = WorldPlan.relayName
        session.largeMessageThreshold = 32 << 10
        var rules = AddressRules(postmaster: Self.postmaster, directory: WorldDirectory(plan: plan))
        if let network = IPNetwork("203.0.113.0/24") { rules.relayNetworks = [network] }
        return ListenerPolicy(name: "smtp", session: session, rules: rules,
                              cleanup: CleanupSettings(hostName: Self.domain(WorldPlan.relayName)))
    }()

    /// Everything by MX, or after every other reload some domains through the smart host.
    var routingTable: RoutingTable {
        let mx = Route(name: "mx", transport: .mx(port: 25))
        let hub = Route(name: "hub", transport: .smartHost([HopHost(.name("mx.\(WorldPlan.hubDomain)"), port: 25)]))
        let lmtp = Route(name: "lmtp", transport: .lmtp([HopHost(.name("mx.\(WorldPlan.lmtpDomain)"), port: 24)]))
        let boxes = Route(name: "boxes", transport: .maildir(path: "/mail/{user}"))
        // Other numbers for the same routes, as a reload may give them.
        let routes = usesHub ? [hub, mx, boxes, lmtp] : [mx, hub, lmtp, boxes]
        let names = Dictionary(uniqueKeysWithValues: routes.enumerated().map { ($1.name, $0) })
        let usesHub = usesHub
        return RoutingTable(routes: routes) { host, _ in
            let name = switch "\(host)" {
            case WorldPlan.lmtpDomain: "lmtp"
            case WorldPlan.boxesDomain: "boxes"
            case let host where usesHub && (host.hasPrefix("d5") || host.hasPrefix("d6")): "hub"
            default: "mx"
            }
            return names[name] ?? 0
        }
    }

    // MARK: What happens

    /// Lets the whole history happen: a stormy first part, then calm until the queue is empty.
    func run() {
        beginStorm()
        startRelay()
        planClients()
        planCrashes()
        planDiskTrouble()
        planMailboxTrouble()
        planJumps()
        planOperators()
        simulator.run(for: .hours(3))
        beginCalm()
        let isDrained = simulator.run(limit: 3_000_000) { relay?.waiting == 0 && isAtRest }
        if !isDrained { violations.append("the queue does not drain: \(relay?.waiting ?? -1) messages left") }
        // What was decided must also be on the disk, and idle connections end.
        simulator.run(for: .minutes(5))
        end()
    }

    /// Lets go of what would keep itself alive: a run is many worlds.
    private func end() {
        relay?.process.kill()
        clients.kill()
        hostProcess.kill()
        disk.discard()
        simulator.end()
    }

    private var isAtRest: Bool { ledger.submissions.allSatisfy { if case .none = $0.result { false } else { true } } }

    private func beginStorm() {
        network.weather = .storm(random)
        resolver.failures = 0.05
        for host in hosts {
            // Bounces must have a way back, or nothing could be said about them.
            let isForReports = host.name.hasSuffix(WorldPlan.senderDomain) || host.name.hasSuffix(WorldPlan.operatorDomain)
            var manners = random.chance(0.6) ? SinkManners.rough : SinkManners()
            if host.name.hasSuffix(WorldPlan.lmtpDomain) {
                // The one host whose replies come for each recipient: each of its ways must come up in a small sample.
                manners = .rough
                manners.diesAfterDot = 0.08
                manners.defersContent = 0.08
                manners.refusesContent = 0.08
            }
            host.manners = isForReports ? manners.withoutRefusals : manners
        }
    }

    private func beginCalm() {
        network.weather = NetworkWeather()
        resolver.failures = 0
        disk.setFault(nil)
        mailboxes.setFault(nil)
        for host in hosts { host.manners = SinkManners() }
        if relay == nil { startRelay() }
        releaseAll()
    }

    // Again and again: a release may meet a disk or a process that is not there.
    private func releaseAll() {
        relay?.operate(.release, on: QueueFilter())
        simulator.schedule(at: simulator.now + .hours(1)) { if self.relay?.waiting != 0 { self.releaseAll() } }
    }

    private func startRelay() {
        do {
            if let trace { trace.say("starting on \(((try? disk.root.list()) ?? []).map(\.name))") }
            relay = try RelayProcess(in: self)
            if let report = relay?.report {
                trace?.say("started: checkpoint \(report.checkpoint), \(report.records) records to \(report.lastLSN), damage \(report.damage)")
            }
            // Torn writes that were not synced are no loss; whether anything was lost shows at the end.
            if relay?.report.damage.isEmpty == false { ledger.mark("log: damage kept in quarantine") }
            if relay?.report.tornTail == true { ledger.mark("log: torn tail") }
        } catch {
            // A disk that does not work yet: the supervisor tries again.
            ledger.mark("start failed")
            trace?.say("cannot start: \(error)")
            simulator.schedule(at: simulator.now + .seconds(5)) { if self.relay == nil { self.startRelay() } }
        }
    }

    // MARK: Clients

    private func planClients() {
        let loop = clients.makeLoop()
        var senders = 0
        var recipients = 0
        while ledger.submissions.count < size.messages || recipients < size.recipients {
            senders += 1
            let messages = (0..<random.number(in: 1...8)).map { _ in submit(sender: senders % 12) }
            recipients += messages.reduce(0) { $0 + $1.recipients.flatMap(plan.finals).count }
            let client = MailClient(messages, ledger: ledger, loop: loop, random: random.fork())
            client.breaksOff = 0.02
            let dialer = network.dialer(for: clients, address: .v4(0xcb00_7100 + UInt32(senders % 200)))
            loop.scheduleFromOutside(at: loop.now + random.duration(in: .zero...(.hours(2)))) {
                client.start(dialer, to: WorldPlan.relayEndpoint)
            }
        }
    }

    private func submit(sender: Int) -> MailLedger.Submission {
        let token = ledger.submissions.count
        let isNull = random.chance(0.05)
        let count = random.chance(0.2) ? random.number(in: 2...9) : random.number(in: 1...2)
        // Mostly few domains: one transaction for several recipients is what splits, limits and partial results come from.
        let domains = (0..<(random.chance(0.2) ? count : random.number(in: 1...2))).map { _ in target() }
        let recipients = (0..<count).map { recipient(token, $0, domains) }
        let notify = random.chance(0.3) ? random.element(of: ["NEVER", "SUCCESS", "FAILURE", "SUCCESS,FAILURE,DELAY", "DELAY"]) : ""
        let bytes = random.chance(0.03) ? random.number(in: 33_000...80_000) : random.number(in: 100...2000)
        return ledger.submit(from: isNull ? "" : "s\(sender)@\(WorldPlan.senderDomain)", to: recipients, notify: notify) { token in
            content(token, bytes: bytes)
        }
    }

    private func recipient(_ token: Int, _ index: Int, _ domains: [WorldPlan.Domain]) -> String {
        if random.chance(0.1) {
            let targets = (0...random.number(in: 0...3)).map { _ in random.number(in: 0...(plan.targets.count - 1)) }
            ledger.mark(Set(targets).count == 1 ? "alias: forwarding" : "alias: list")
            return WorldPlan.alias(token, index, targets: targets)
        }
        return "u\(token).\(index)@\(random.element(of: domains).name)"
    }

    /// A domain to write to; not too often one that can only fail, as each such message costs a day of trying.
    private func target() -> WorldPlan.Domain {
        let first = random.element(of: plan.targets)
        return first.kind != .ordinary && random.chance(0.6) ? random.element(of: plan.targets) : first
    }

    private func content(_ token: Int, bytes: Int) -> [UInt8] {
        var content = Array("From: <s@\(WorldPlan.senderDomain)>\r\nSubject: message \(token)\r\nX-Token: \(token)\r\n\r\n".utf8)
        while content.count < bytes {
            let length = random.number(in: 0...78)
            if random.chance(0.1) { content.append(0x2e) }
            content += randomText[random.number(in: 0...(randomText.count - 80))...].prefix(length)
            content += [13, 10]
        }
        return content
    }

    // MARK: Faults

    private func planCrashes() {
        for _ in 0..<size.crashes {
            simulator.schedule(at: simulator.now + random.duration(in: .minutes(2)...(.minutes(150)))) { self.crash() }
        }
    }

    private func crash() {
        // One at a time: what is down already, or about to be, crashes later.
        guard let relay, !isCrashing else { return _ = simulator.schedule(at: simulator.now + .minutes(1)) { self.crash() } }
        isCrashing = true
        let end: End = random.chance(0.5) ? .killed : .powerCut
        // Not only between two jobs: the disk stops in the middle of one.
        let accesses = random.number(in: 0...12)
        guard accesses > 0 else { return finishCrash(relay, end, disk.state) }
        let left = Countdown(accesses)
        let world = self
        let disk = disk
        disk.setFault { _, _ in
            if left.value > 0 { left.value -= 1 }
            guard left.value == 0 else { return nil }
            if !left.isOver {
                left.isOver = true
                // This is the end; what the process goes on to do until it notices happens to nobody.
                let state = disk.state
                world.simulator.schedule(at: world.simulator.now) { world.finishCrash(relay, end, state) }
            }
            return 5
        }
        // Without any access the end comes anyway.
        simulator.schedule(at: simulator.now + .seconds(10)) { self.finishCrash(relay, end, disk.state) }
    }

    private func finishCrash(_ victim: RelayProcess, _ end: End, _ state: DiskState) {
        guard relay === victim else { return }
        relay = nil
        isCrashing = false
        victim.process.kill()
        // Where nothing says how the process ended, the messages in flight are suspects.
        lastExit = random.chance(0.5) ? .unknown : .killed
        disk.discard()
        if end == .powerCut, state.unsynced > 0 { ledger.mark("power cut with unsynced data") }
        disk = SimulatedDisk(state).after(end == .killed ? .keepingEverything : random.chance(0.3) ? .losingEverything : .random(seed: random.next()))
        crashes.append((simulator.now, end))
        ledger.mark(end == .killed ? "crash: killed" : "crash: power cut")
        trace?.say("\(end)")
        simulator.schedule(at: simulator.now + random.duration(in: .zero...(.minutes(2)))) { if self.relay == nil { self.startRelay() } }
    }

    private func planDiskTrouble() {
        for _ in 0..<3 {
            let isFull = random.chance(0.5)
            let length = random.duration(in: .seconds(1)...(.seconds(60)))
            simulator.schedule(at: simulator.now + random.duration(in: .minutes(1)...(.minutes(140)))) {
                guard self.relay != nil else { return }
                self.ledger.mark(isFull ? "disk: full" : "disk: errors")
                let random = self.random.fork()
                let start = self.simulator.now
                self.trace?.say("disk trouble for \(length)")
                let trace = self.trace
                self.disk.setFault { access, name in
                    let error: Int32? = switch access {
                    case .write, .allocate, .create: random.chance(isFull ? 1 : 0.2) ? (isFull ? 28 : 5) : nil
                    case .synchronize: random.chance(isFull ? 0 : 0.3) ? 5 : nil
                    case .open, .read, .rename, .remove, .synchronizeNames, .list: nil
                    }
                    trace?.say("\(access) \(name): \(error.map { "errno \($0)" } ?? "done")")
                    return error
                }
                self.diskTrouble.append(start...(start + length))
                self.simulator.schedule(at: start + length) { self.disk.setFault(nil) }
            }
        }
    }

    private func planMailboxTrouble() {
        for _ in 0..<3 {
            simulator.schedule(at: simulator.now + random.duration(in: .minutes(1)...(.minutes(140)))) {
                self.ledger.mark("mailbox: errors")
                self.mailboxes.setFault(self.random.element(of: [.noSpace, .overQuota, .denied, .system(errno: 5)]))
                self.simulator.schedule(at: self.simulator.now + .minutes(5)) { self.mailboxes.setFault(nil) }
            }
        }
    }

    private func planOperators() {
        for _ in 0..<12 {
            simulator.schedule(at: simulator.now + random.duration(in: .minutes(1)...(.minutes(170)))) { self.operate() }
        }
    }

    private func operate() {
        guard let relay else { return }
        var filter = QueueFilter()
        filter.recipient = AddressPattern("@" + random.element(of: plan.targets).name)
        switch random.next(below: 5) {
        case 0:
            ledger.mark("operator: hold")
            relay.operate(.hold, on: filter)
        case 1:
            ledger.mark("operator: release")
            relay.operate(.release, on: QueueFilter())
        case 2:
            ledger.mark("operator: retry now")
            relay.operate(.retryNow, on: filter)
        case 3:
            ledger.mark("operator: flush")
            relay.flush()
        default:
            ledger.mark("operator: reload")
            usesHub.toggle()
            relay.reload(routingTable)
        }
    }

    private func planJumps() {
        simulator.schedule(at: simulator.now + random.duration(in: .minutes(20)...(.minutes(100)))) {
            self.ledger.mark("clock jump")
            self.relay?.process.jumpClock(by: self.random.duration(in: .seconds(-20)...(.minutes(30))))
        }
    }
}

/// A number that a fault on the disk counts down.
private final class Countdown: @unchecked Sendable {
    var value: Int
    var isOver = false
    init(_ value: Int) { self.value = value }
}
