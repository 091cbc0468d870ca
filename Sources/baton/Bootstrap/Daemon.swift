import Configuration
import Control
import DNS
import Delivery
import Dispatch
import Events
import Glibc
import Logging
import MailQueue
import MessageFormat
import Ports
import Receiving
import Sockets
import Storage

/// Everything that runs, made from one configuration and wired: the composition root.
///
/// Touched from the main queue, except where a member says otherwise; `@unchecked Sendable` so that
/// signal sources and the parts' completions may come back to it there.
final class Daemon: @unchecked Sendable {
    private var configuration: BatonConfiguration
    private let path: String
    private let sink: LogSink
    private let logger: Logger
    private let loops: LoopGroup
    /// The loops of the clients' connections.
    private let sessionLoops: LoopGroup
    private let core: any Loop
    private let storage: ThreadedStorageExecutor
    private let log: Log
    private let exit: ExitRecord
    private let mailLog: MailLog
    private let queueWatch: QueueWatch
    private let router: Router
    private let hostFinder: MXHostFinder
    private let smtpAgent: SMTPAgent
    private let outboundTLS: OutboundTLS
    private let maildirAgent: MaildirAgent
    private let queue: Queue
    private let delivery: DeliveryService
    private let mailboxThreads: MailboxThreads
    private let intake: SigningIntake
    private let signingThreads: SigningThreads
    private let receiving: SMTPService
    private let engine: PolicyEngine
    private let policyFile: PolicyFile
    private let policies: ListenerPolicies
    private let certificates: ListenerCertificates
    private let tlsClient: NIOTLSClient
    private let accounts: AccountKeeper?
    private let notifier: SystemdNotifier
    /// What the process can reach since its start.
    private let sandboxPlan: SandboxPlan
    private var localMail: LocalMail?
    private var listeners: [NIOListener] = []
    private let automaticCertificates: AutomaticCertificates?
    /// Sockets that the service manager has bound and no listener has taken yet.
    private var activated: [SocketEndpoint: Int32]
    private var isStopping = false

    /// Opens the spool, recovers the queue and begins to serve; throws what an operator has to put right.
    init(_ configuration: BatonConfiguration, path: String, sink: LogSink, logger: Logger, notifier: SystemdNotifier,
         activated: ActivatedSockets = ActivatedSockets(environment: [:])) throws {
        self.configuration = configuration
        self.path = path
        self.sink = sink
        self.logger = logger
        self.notifier = notifier
        self.activated = activated.endpoints
        sandboxPlan = SandboxPlan(configuration, path: path)
        loops = LoopGroup(count: 1)
        core = loops.loops[0]
        let sessions = configuration.limits.sessionLoops
        sessionLoops = sessions > 0 ? LoopGroup(count: sessions, clock: loops.clock) : loops
        let clock = loops.clock
        mailLog = MailLog(sink: sink, logger: logger) { clock.now }

        try Daemon.makeDirectory(configuration.spool.directory, mode: 0o751)
        exit = ExitRecord(directory: configuration.spool.directory)
        storage = ThreadedStorageExecutor { clock.now }
        var settings = configuration.queueSettings(templates: try configuration.makeTemplates())
        let signing = try configuration.makeSigningRules()
        signingThreads = SigningThreads(count: configuration.dkim.threads)
        settings.reportSigning = signingThreads.reportSigning(signing, logger)
        let resolver = try configuration.makeResolver()
        let random = SystemRandomSource()
        hostFinder = MXHostFinder(resolver: resolver, random: SystemRandomSource(), own: configuration.ownHost)
        outboundTLS = try OutboundTLS(configuration, resolver: resolver, core: core, logger: logger)
        router = Router(table: configuration.routingTable.authenticated(by: try configuration.readCredentials()), hostFinder: hostFinder,
                        tls: outboundTLS.discovery, loop: core)
        var recovery = QueueRecovery(routes: router)
        recovery.lastExit = exit.lastExit
        let opened = try Daemon.openLog(configuration, storage, random, &recovery)
        log = opened.log
        Daemon.report(opened.report, recovery, logger)
        guard recovery.isCheckpointKnown else { throw DaemonError.newerSpool }
        queue = Queue(log: log, recovery: recovery, settings: settings, routes: router, random: random, core: core)

        tlsClient = NIOTLSClient(try configuration.clientOptions())
        // Reading the roots takes a moment, which no loop has.
        try tlsClient.prepare()
        certificates = try ListenerCertificates(configuration) { clock.now }
        let certificates = certificates, core = core
        automaticCertificates = try configuration.tls.acme.map {
            try AutomaticCertificates($0, configuration, certificates: certificates, resolver: resolver, core: core, logger: logger)
        }
        guard let threads = MailboxThreads(count: configuration.delivery.mailboxThreads) else { throw DaemonError.noThreads }
        mailboxThreads = threads
        let files = POSIXMailboxFiles()
        smtpAgent = SMTPAgent(loop: core, dialer: NIODialer(client: tlsClient), resolver: resolver, random: SystemRandomSource(),
                              own: configuration.ownHost, settings: configuration.smtpAgentSettings)
        maildirAgent = MaildirAgent(settings: configuration.maildirSettings, files: files, executor: threads, loop: core)
        let agents = DeliveryAgents(
            smtp: smtpAgent, maildir: maildirAgent, sandbox: SandboxAgent(files: files, executor: threads, loop: core),
            discard: DiscardAgent(loop: core))
        delivery = DeliveryService(loop: core, queue: queue, router: router, agents: agents)
        accounts = try AccountKeeper.open(configuration, resolver: resolver, loop: core)
        let prober = RecipientProber(loop: core, router: router, dialer: NIODialer(client: tlsClient), resolver: resolver,
                                     settings: configuration.smtpAgentSettings, own: configuration.ownHost)
        engine = PolicyEngine(capacity: configuration.policy.tableSize, verifier: NextHopVerifier(prober: prober, core: core))
        queueWatch = QueueWatch(mailLog, engine)
        policyFile = PolicyFile(directory: configuration.spool.directory, engine: engine)
        policies = ListenerPolicies(configuration, certificates: certificates, keeper: accounts,
                                    signing: signing, sealing: try configuration.makeSealingRules())
        intake = SigningIntake(queue, executor: signingThreads, failed: SigningThreads.failed(logger))
        receiving = SMTPService(settings: configuration.receivingSettings, intake: intake, mint: queue.mint, resolver: resolver,
                                engine: engine, proxyProtocol: NetworkProxyProtocol(), observer: mailLog)
        try begin()
    }

    private func begin() throws {
        core.execute {
            self.smtpAgent.tlsObserver = self.outboundTLS.reporting
            self.queue.observer = self.queueWatch
            self.queue.begin()
        }
        for (index, listener) in configuration.listeners.enumerated() { try listen(listener, index) }
        for endpoint in activated.keys {
            logger.warning("socket-unused", metadata: ["endpoint": "\(endpoint)", "remedy": "a listener at this address in the configuration"])
        }
        listeners.append(try LocalMail.listen(configuration, policies: policies, receiving: receiving, group: loops))
        try openControl()
        let localMail = try LocalMail(configuration, queue: queue, intake: intake, policies: policies, logger: logger)
        localMail.begin()
        self.localMail = localMail
        if let automaticCertificates { listeners += try automaticCertificates.start(loops) }
        // Last: a start that fails on a port that is taken must not deliver first and forget it each time.
        core.execute { self.delivery.start() }
        notifier.ready(status: "serving on \(listeners.map { $0.endpoint.description }.joined(separator: ", "))")
        logger.notice("serving", metadata: ["listeners": "\(listeners.map { $0.endpoint.description }.joined(separator: " "))"])
    }

    private func listen(_ listener: ListenerConfiguration, _ index: Int) throws {
        var settings = ListenerSettings()
        settings.maxConnections = listener.maxConnections ?? configuration.limits.maxConnections
        let policies = policies, receiving = receiving
        for (number, endpoint) in listener.address.endpoints.enumerated() {
            let accept: @Sendable (NIOLoop) -> any ConnectionHandler = { loop in receiving.makeHandler(policies[index], on: loop) }
            if let descriptor = activated.removeValue(forKey: endpoint) {
                listeners.append(try NIOListener.listen(inherited: descriptor, settings: settings, group: sessionLoops, accept: accept))
                continue
            }
            if isServed(endpoint, of: listener) { continue }
            do {
                listeners.append(try NIOListener.listen(on: endpoint, settings: settings, group: sessionLoops, accept: accept))
            } catch {
                // `:25` asks for IPv6 where there is any.
                guard number > 0 else { throw error }
                logger.debug("no-ipv6", metadata: ["listener": "\(endpoint)", "reason": "\(error)"])
            }
        }
    }

    /// Whether another endpoint of the same listener already takes what comes here: one socket of a service manager serves both families.
    private func isServed(_ endpoint: SocketEndpoint, of listener: ListenerConfiguration) -> Bool {
        guard case .everywhere(let port) = listener.address, case .ip(.v4, _) = endpoint,
              let descriptor = activated[.ip(.v6(high: 0, low: 0), port: port)] else { return false }
        return ActivatedSockets.takesIPv4(descriptor)
    }

    private func openControl() throws {
        var settings = ListenerSettings()
        settings.maxConnections = Daemon.maxControlConnections
        settings.fileGroup = try Daemon.group(configuration.control.group)
        let names = listeners.map { $0.endpoint.description }
        let hostName = configuration.hostname.ascii
        let log = log, receiving = receiving
        let backend = DaemonControl(queue: queue, history: History(reader: log.reader), facts: {
            DaemonControl.Facts(hostName: hostName, listeners: names, sessions: receiving.sessionCount, logState: log.capacity.state)
        }, reload: { reply in
            DispatchQueue.main.async { reply(self.reloadForControl()) }
        })
        listeners.append(try NIOListener.listen(on: .unix(path: configuration.control.socket), settings: settings, group: loops) { loop in
            ControlSession(backend: backend, loop: loop)
        })
    }

    /// Operators at once; more wait.
    private static let maxControlConnections = 64

    private static func group(_ name: String) throws -> UInt32? {
        if let number = UInt32(name) { return number == getgid() ? nil : number }
        guard let group = getgrnam(name) else { throw DaemonError.noGroup(name) }
        return group.pointee.gr_gid == getgid() ? nil : group.pointee.gr_gid
    }

    // MARK: Reload and stop

    private func reloadForControl() -> Result<ReloadReport, ControlFailure> {
        do {
            return .success(try reload())
        } catch let error as ConfigurationError {
            return .failure(ControlFailure(.badConfiguration, "nothing was changed: the file has mistakes",
                                           details: error.mistakes.map(\.description)))
        } catch {
            return .failure(ControlFailure(.badConfiguration, "\(error)"))
        }
    }

    /// Puts the file in force as it is now, but for keys that need a restart; a bad file changes nothing.
    @discardableResult
    func reload() throws -> ReloadReport {
        let file = try BatonConfiguration.load(path)
        let changes = configuration.changes(to: file)
        let report = ReloadReport(changed: changes.filter { $0.effect == .live }.map(\.key),
                                  needRestart: changes.filter { $0.effect == .restart }.map(\.key))
        guard let new = configuration.reloaded(with: file) else { throw DaemonError.needsRestart(keys: report.needRestart) }
        var settings = new.queueSettings(templates: try new.makeTemplates())
        let signing = try new.makeSigningRules(), sealing = try new.makeSealingRules()
        settings.reportSigning = signingThreads.reportSigning(signing, logger)
        let clientOptions = try new.clientOptions()
        try NIOTLSClient(clientOptions).prepare()
        try certificates.update(new)
        tlsClient.update(clientOptions)
        try tlsClient.prepare()
        let credentials = try new.readCredentials()
        let missing = sandboxPlan.missing(for: SandboxPlan(new, path: path))
        if configuration.sandbox != .off, !missing.isEmpty {
            logger.warning("sandbox-too-narrow", metadata: ["paths": "\(missing.joined(separator: " "))", "remedy": "restart"])
        }
        configuration = new
        sink.format = LogFormat(new.log.format)
        sink.level = Logger.Level(new.log.level)
        policies.update(new, signing: signing, sealing: sealing)
        receiving.update(new.receivingSettings)
        let table = new.routingTable.authenticated(by: credentials)
        engine.resize(to: new.policy.tableSize)
        let queued = settings
        let agent = new.smtpAgentSettings, maildirs = new.maildirSettings, own = new.ownHost
        core.execute {
            self.smtpAgent.apply(agent, own: own)
            self.maildirAgent.apply(maildirs)
            self.hostFinder.apply(own: own)
            self.outboundTLS.apply(new)
            self.router.apply(table)
            self.queue.apply(queued)
            self.queue.reroute()
        }
        var metadata: Logger.Metadata = ["changes": "\(report.changed.joined(separator: " "))"]
        if !report.needRestart.isEmpty { metadata["need_restart"] = "\(report.needRestart.joined(separator: " "))" }
        logger.notice("reloaded", metadata: metadata)
        return report
    }

    /// Ends in order: no new connections, sessions end between transactions, attempts are recorded, the log is synced.
    func stop(completion: @escaping @Sendable () -> Void) {
        guard !isStopping else { return }
        isStopping = true
        notifier.stopping()
        logger.notice("stopping")
        for listener in listeners { listener.close() }
        let deadline = Daemon.stopPatience
        let core = core
        let ended = OnceAll(2) {
            self.policyFile.close()
            core.execute {
                self.outboundTLS.save()
                self.log.close(on: core) {
                    self.accounts?.shutDown()
                    self.exit.markOrderly()
                    completion()
                }
            }
        }
        receiving.shutDown { ended.done(0) }
        core.execute {
            self.delivery.stop { ended.done(1) }
            // A peer that takes ten minutes for its reply must not hold a restart up: its message is tried again.
            _ = core.schedule(at: core.now + deadline) {
                self.receiving.abort()
                ended.done(0)
                ended.done(1)
            }
        }
    }

    /// How long sessions and attempts may take to end.
    private static let stopPatience = Duration.seconds(10)

    // MARK: Steps of the start

    private static func openLog(_ configuration: BatonConfiguration, _ executor: ThreadedStorageExecutor, _ random: any RandomSource,
                                _ recovery: inout QueueRecovery) throws -> (log: Log, report: RecoveryReport) {
        let directory = configuration.spool.directory + "/log"
        try makeDirectory(directory, mode: 0o700)
        if let hazard = try SpoolProbe.hazard(ofDirectory: directory), hazard == .readOnly || !configuration.spool.allowUnsafe {
            throw DaemonError.unsafeSpool(directory, hazard)
        }
        let files = try POSIXFileLayer(path: directory)
        var found = recovery
        defer { recovery = found }
        return try withoutActuallyEscaping({ (item: RecoveryItem) in found.take(item) }) { take in
            try Log.open(files: files, executor: executor, settings: configuration.logSettings, random: random,
                         knows: QueueRecovery.knows, replay: take)
        }
    }

    private static func report(_ report: RecoveryReport, _ recovery: QueueRecovery, _ logger: Logger) {
        for damage in report.damage { logger.warning("spool-damage", metadata: ["what": "\(damage)"]) }
        logger.notice("recovered", metadata: [
            "messages": "\(recovery.count)", "records": "\(report.records)", "unreadable": "\(recovery.unreadable)",
            "torn_tail": "\(report.tornTail)",
        ])
    }

    private static func makeDirectory(_ path: String, mode: mode_t) throws {
        if mkdir(path, mode) != 0, errno != EEXIST { throw DaemonError.directory(path, errno: errno) }
    }
}

/// What an operator has to put right before the daemon can start or reload.
enum DaemonError: Error, CustomStringConvertible {
    case directory(String, errno: Int32)
    case newerSpool
    case unsafeSpool(String, SpoolHazard)
    case noThreads
    case noGroup(String)
    case noSandbox(String)
    case needsRestart(keys: [String])

    var description: String {
        switch self {
        case .directory(let path, let number): "cannot make the directory \(path): \(String(cString: strerror(number)))"
        case .newerSpool: "the spool was written by a newer version of Baton: install that version, or restore its spool"
        case .unsafeSpool(let path, .readOnly): "the spool \(path) cannot be written: its file system is read-only"
        case .unsafeSpool(let path, let hazard):
            "the spool \(path) does not keep what was accepted: \(hazard); choose another `spool.directory`, or set `spool.allowUnsafe: true` to try Baton out"
        case .noThreads: "the system gave no thread: raise the limit on processes (LimitNPROC)"
        case .noSandbox(let why): "the sandbox that the configuration requires is not to be had (sandbox): \(why)"
        case .noGroup(let name): "there is no group '\(name)' (control.group): make it, or name another"
        case .needsRestart(let keys): "these keys need a restart, so nothing was changed: \(keys.joined(separator: ", "))"
        }
    }
}

/// Calls `completion` once when each of a number of things is done; a thing may be done more than once.
private final class OnceAll: @unchecked Sendable {
    private let lock = DispatchQueue(label: "baton.once")
    private var open: Set<Int>
    private var completion: (@Sendable () -> Void)?

    init(_ count: Int, completion: @escaping @Sendable () -> Void) {
        open = Set(0..<count)
        self.completion = completion
    }

    func done(_ index: Int) {
        let ready: (@Sendable () -> Void)? = lock.sync {
            open.remove(index)
            guard open.isEmpty else { return nil }
            defer { completion = nil }
            return completion
        }
        ready?()
    }
}
