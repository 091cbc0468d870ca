import BatonTesting
import Events
@testable import MailQueue
import MessageFormat
import Ports
import SMTP
import Storage

/// A queue over the real log on a simulated disk, with a clock that jumps and deliveries that a test scripts.
final class QueueWorld: @unchecked Sendable {
    let simulator: Simulator
    var disk = SimulatedDisk()
    var process: SimulatedProcess
    var core: SimulatedLoop
    var session: SimulatedLoop
    var settings: QueueSettings
    var logSettings = LogSettings()
    var queue: Queue!
    var log: Log!
    var delivery: ScriptedDelivery!
    var recovery: RecoveryReport?
    let routes = TestRoutes()
    let observer = RecordingObserver()
    /// Answers of `accept`, in order.
    var answers: [AcceptResult] = []
    /// Says what becomes of an attempt; nil leaves it open.
    var script: (Attempt) -> AttemptReport? = { attempt in .all(attempt, .delivered(Reply(250, .init(2, 0, 0), "ok"))) }
    var lastExit = LastExit.unknown
    /// Bytes of each chunk of the checkpoint that the last start found.
    private(set) var checkpointChunks: [Int] = []

    init(seed: UInt64 = 1, _ configure: (inout QueueSettings) -> Void = { _ in }) {
        simulator = Simulator(seed: seed)
        settings = QueueSettings(hostName: Mail.domain("mx.test.example"), postmaster: Mail.address("postmaster@test.example"))
        configure(&settings)
        logSettings.segmentBytes = 4 << 20
        logSettings.spareSegments = 1
        process = SimulatedProcess("baton", in: simulator)
        core = process.makeLoop()
        session = process.makeLoop()
        start()
    }

    private func start() {
        var recovery = QueueRecovery(routes: routes)
        recovery.lastExit = lastExit
        checkpointChunks = []
        let opened = try! Log.open(files: disk.root, executor: SimulatedStorageExecutor(process), settings: logSettings,
                                   random: simulator.random, knows: QueueRecovery.knows) { item in
            if case .checkpoint(let chunk) = item { self.checkpointChunks.append(chunk.count) }
            recovery.take(item)
        }
        log = opened.log
        self.recovery = opened.report
        let started = recovery
        onCore {
            self.queue = Queue(log: self.log, recovery: started, settings: self.settings, routes: self.routes,
                               random: self.simulator.random, core: self.core)
            self.queue.observer = self.observer
            self.queue.begin()
            self.delivery = ScriptedDelivery(self)
        }
    }

    /// Kills the process, cuts the power, and starts anew.
    func crash(_ cut: PowerCut = .losingEverything) {
        process.kill()
        disk = disk.after(cut)
        process = SimulatedProcess("baton", in: simulator)
        core = process.makeLoop()
        session = process.makeLoop()
        start()
    }

    /// Runs `job` on the core loop and waits for it.
    func onCore(_ job: @escaping () -> Void) {
        nonisolated(unsafe) let job = job
        nonisolated(unsafe) var isDone = false
        core.execute {
            job()
            isDone = true
        }
        _ = simulator.run { isDone }
    }

    /// Runs the world for a while.
    func run(_ duration: Duration = .seconds(5)) { simulator.run(for: duration) }

    func deliver() {
        onCore { self.delivery.start() }
        run()
    }

    // MARK: Mail

    func submit(_ envelope: Envelope, body: String = "Subject: hello\r\n\r\nHello.\r\n", aliases: any AliasTable = NoAliases(),
                hold: HoldReason? = nil) {
        let id = queue.mint.next()
        var envelope = envelope
        envelope.arrival = process.now
        let incoming = IncomingMessage(id: id, envelope: envelope, body: Array(body.utf8), hold: hold)
        let cleanup = Cleanup(settings: CleanupSettings(hostName: settings.hostName), aliases: aliases)
        var submission = try! cleanup.prepare(incoming)
        submission.hold = hold
        queue.accept(submission, replyOn: session) { self.answers.append($0) }
    }

    /// Accepts a message and returns its id.
    @discardableResult
    func accept(_ envelope: Envelope, body: String = "Subject: hello\r\n\r\nHello.\r\n",
                aliases: any AliasTable = NoAliases(), hold: HoldReason? = nil) -> QueueID? {
        let before = answers.count
        submit(envelope, body: body, aliases: aliases, hold: hold)
        _ = simulator.run { self.answers.count > before }
        if case .accepted(let id)? = answers.last { return id }
        return nil
    }

    var status: QueueStatistics {
        var status = QueueStatistics()
        onCore { status = self.queue.status }
        return status
    }

    func trace(_ id: QueueID) -> MessageTrace? {
        nonisolated(unsafe) var trace: MessageTrace?
        nonisolated(unsafe) var isDone = false
        onCore {
            History(reader: self.log.reader).trace(of: id, on: self.core) { result in
                trace = try? result.get()
                isDone = true
            }
        }
        _ = simulator.run { isDone }
        return trace
    }
}

/// Carries out what the queue decides as the script says.
final class ScriptedDelivery: @unchecked Sendable {
    unowned let world: QueueWorld
    private(set) var attempts: [Attempt] = []
    private(set) var open: [Attempt] = []
    private(set) var writes: [Bool] = []
    private var isPumping = false
    private var isRunning = false
    private var timer: LoopTimer?

    init(_ world: QueueWorld) { self.world = world }

    func start() {
        guard !isRunning else { return }
        isRunning = true
        world.queue.workArrived = { [weak self] in self?.schedule() }
        schedule()
    }

    func stop() { isRunning = false }

    private func schedule() {
        guard !isPumping, isRunning else { return }
        isPumping = true
        world.core.execute { self.pump() }
    }

    private func pump() {
        isPumping = false
        guard isRunning else { return }
        let queue = world.queue!
        while true {
            switch queue.nextStep() {
            case .resolve(let id, let key):
                queue.resolved(id, world.routes.resolution(key), validUntil: world.core.now + .hours(1))
            case .start(let ticket): queue.start(ticket) { if let attempt = $0 { self.run(attempt) } }
            case .pause: return schedule()
            case .sleep(let until):
                timer?.cancel()
                timer = world.core.schedule(at: until) { self.schedule() }
                return
            case .idle: return
            }
        }
    }

    private func run(_ attempt: Attempt) {
        attempts.append(attempt)
        guard let report = world.script(attempt) else { return open.append(attempt) }
        finish(attempt, report)
    }

    func finish(_ attempt: Attempt, _ report: AttemptReport) {
        world.queue.finish(attempt.id, report) { self.writes.append($0) }
    }
}

/// Routes by the domain: each is its own site; `reject.example` has none.
final class TestRoutes: RouteTable {
    /// Domains that share one smart host.
    var smartHost: Set<String> = []

    func destination(for host: MailHost, from reversePath: ReversePath) -> DestinationKey {
        if smartHost.contains(host.description) { return DestinationKey(route: RouteID(2)) }
        return DestinationKey(route: RouteID(1), domain: host.description)
    }

    func diagnosis(ofFailure failure: UInt32) -> Diagnosis {
        Diagnosis(status: .init(5, 1, 10), explanation: "The domain accepts no mail (null MX).", bounceClass: .unknownDomain)
    }

    func resolution(_ key: DestinationKey) -> Resolution {
        key.domain == "reject.example" ? .undeliverable(failure: 1)
            : .site(SiteKey(transport: "smtp", hosts: [(name: "mx." + key.domain, port: UInt16(25))]))
    }
}

/// Remembers what the queue tells.
final class RecordingObserver: QueueObserver, @unchecked Sendable {
    var events: [MailEvent] = []
    var alerts: [QueueAlert] = []
    func recorded(_ event: MailEvent, envelope: Envelope?) { events.append(event) }
    func alert(_ alert: QueueAlert) { alerts.append(alert) }
}

/// Values that queue tests write often.
enum Mail {
    static func address(_ text: String) -> EmailAddress { try! EmailAddress(parsing: text) }
    static func domain(_ text: String) -> Domain { try! Domain(parsing: text) }

    static func envelope(from sender: String = "alice@a.example", to recipients: String..., notify: NotifyConditions? = nil) -> Envelope {
        Envelope(reversePath: sender.isEmpty ? .null : .mailbox(address(sender)),
                 recipients: recipients.map { Recipient(address: address($0), notify: notify) },
                 arrival: Timestamp(seconds: 0), origin: Origin(clientAddress: .v4(0xc000_0201), helo: "client.example",
                                                                transmission: "ESMTP"))
    }

    static let noSuchUser = Diagnosis(status: .init(5, 1, 1), reply: Reply(550, .init(5, 1, 1), "User unknown"))
    static let greylisted = Diagnosis(status: .init(4, 7, 1), reply: Reply(450, .init(4, 7, 1), "Greylisted"))
    static let host = RemoteHost(name: "mx.b.example", endpoint: .ip(.v4(0xc000_0207), port: 25))
}

extension AttemptReport {
    /// The same outcome for every recipient.
    static func all(_ attempt: Attempt, _ outcome: DeliveryOutcome, feedback: SiteFeedback = .delivered) -> AttemptReport {
        AttemptReport(host: Mail.host, ended: attempt.started + .milliseconds(10), outcomes: attempt.recipients.map {
            RecipientDelivery(recipient: $0, outcome: outcome)
        }, feedback: feedback)
    }

    /// An outcome for each recipient by its local part.
    static func byName(_ attempt: Attempt, _ outcome: (String) -> DeliveryOutcome) -> AttemptReport {
        AttemptReport(host: Mail.host, ended: attempt.started + .milliseconds(10), outcomes: attempt.recipients.map {
            RecipientDelivery(recipient: $0, outcome: outcome(attempt.envelope.recipients[Int($0)].address.localPart))
        }, feedback: .answered)
    }
}
