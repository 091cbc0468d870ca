import ArgumentParser
import Configuration
import Delivery
import Dispatch
import Glibc
import Logging
import Ports
import Sockets
import Synchronization

/// `baton serve`: the daemon.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the mail server.",
        discussion: "SIGHUP puts a changed configuration in force; SIGTERM and SIGINT end it in order.")

    @Option(name: .shortAndLong, help: "The configuration file.")
    var config = "/etc/baton/baton.yaml"

    func run() throws {
        try Serve.serve(loadConfiguration(config), path: config)
    }

    /// Runs the daemon until a signal ends it; does not return in the ordinary case.
    static func serve(_ configuration: BatonConfiguration, path: String) throws -> Never {
        signal(SIGPIPE, SIG_IGN)
        raiseDescriptorLimit()
        ProcessSandbox.hideMemory()
        let plan = SandboxPlan(configuration, path: path)
        let unmade = plan.makeMailboxRoots(POSIXMailboxFiles())
        let files = closeFiles(configuration, plan)
        let clock = ProcessClock()
        let sink = LogSink(format: LogFormat(configuration.log.format), level: Logger.Level(configuration.log.level))
        let handler = LineLogHandler(sink: sink) { clock.now }
        let logger = Logger(label: "baton") { _ in handler }
        let notifier = SystemdNotifier(path: getenv("NOTIFY_SOCKET").map { String(cString: $0) })
        // From the first moment on: a start takes seconds, and what asks for a reload meanwhile must not end it. The handlers
        // of the main queue run when the start is over.
        let running = Mutex<Daemon?>(nil)
        var sources = [source(of: SIGHUP) {
            guard let daemon = running.withLock({ $0 }) else { return }
            notifier.reloading()
            do { try daemon.reload() } catch { logger.error("reload-refused", metadata: ["reason": "\(error)"]) }
            notifier.ready(status: "serving")
        }]
        let daemon: Daemon
        do {
            try report(files, configuration, logger)
            for root in unmade { logger.warning("no-mailboxes", metadata: ["path": "\(root.path)", "reason": "\(root.reason)"]) }
            daemon = try Daemon(configuration, path: path, sink: sink, logger: logger, notifier: notifier,
                                activated: activatedSockets())
            // Last: a start makes calls that the running daemon never makes.
            if configuration.sandbox != .off { try report(ProcessSandbox.enforceCalls(allowsPrograms: plan.runsPrograms), configuration, logger) }
        } catch {
            logger.critical("cannot-start", metadata: ["reason": "\(error)"])
            sink.flush()
            throw ExitCode.failure
        }
        running.withLock { $0 = daemon }
        // Before this the signal ends the start at once, and nothing is lost.
        sources += [SIGTERM, SIGINT].map { number in
            source(of: number) {
                daemon.stop {
                    sink.flush()
                    Glibc.exit(0)
                }
            }
        }
        // Nothing comes after `dispatchMain`, so the optimiser would end the lives of these before it.
        for source in sources { _ = Unmanaged.passRetained(source as AnyObject) }
        _ = Unmanaged.passRetained(daemon)
        dispatchMain()
    }

    private static func source(of number: Int32, _ handler: @escaping @Sendable () -> Void) -> any DispatchSourceSignal {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .main)
        source.setEventHandler(handler: handler)
        source.resume()
        return source
    }

    // First: what Landlock takes away it takes from the threads that are started afterwards.
    private static func closeFiles(_ configuration: BatonConfiguration, _ plan: SandboxPlan) -> ProcessSandbox.State? {
        guard configuration.sandbox != .off else { return nil }
        // What a ruleset is to allow must be there.
        _ = mkdir(configuration.spool.directory, 0o751)
        return ProcessSandbox.enforceFiles(plan)
    }

    private static func report(_ state: ProcessSandbox.State?, _ configuration: BatonConfiguration, _ logger: Logger) throws {
        guard case .unavailable(let why)? = state else { return }
        if configuration.sandbox == .require { throw DaemonError.noSandbox(why) }
        logger.warning("no-sandbox", metadata: ["reason": "\(why)"])
    }

    private static func activatedSockets() -> ActivatedSockets {
        let names = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
        let values = names.compactMap { name in getenv(name).map { (name, String(cString: $0)) } }
        // Whatever this process might start must not take them for its own.
        for name in names { unsetenv(name) }
        return ActivatedSockets(environment: Dictionary(uniqueKeysWithValues: values))
    }

    // As many connections as the administrator allows at all.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// Reads and checks a configuration file; prints every mistake and ends the command where there are any.
func loadConfiguration(_ path: String) throws -> BatonConfiguration {
    do {
        return try BatonConfiguration.load(path)
    } catch {
        printError(error.description)
        throw ExitCode(78)
    }
}

/// Writes a line to standard error.
func printError(_ text: String) {
    let line = Array((text + "\n").utf8)
    line.withUnsafeBytes { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

extension LogFormat {
    init(_ format: LogConfiguration.Format) {
        self = switch format {
        case .json: .json
        case .text: .text
        }
    }
}

extension Logger.Level {
    init(_ level: LogConfiguration.Level) {
        self = switch level {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        }
    }
}
