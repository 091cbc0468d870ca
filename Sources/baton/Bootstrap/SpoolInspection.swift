import Configuration
import DNS
import Delivery
import Dispatch
import Glibc
import MailQueue
import Ports
import Sockets
import Storage

/// What an inspection of the spool found, and what it did about it.
struct SpoolReport: Codable, Hashable {
    /// Messages in the queue.
    var messages = 0
    /// Messages that were read back whole, octet by octet.
    var readable = 0
    /// Messages that the log does not give back: held, or to be held by a repair.
    var damagedMessages: [String] = []
    /// Damage in the log's files, in words.
    var damage: [String] = []
    /// Records and parts of the checkpoint that are not understood, in words.
    var unreadable: [String] = []
    /// Whether the last append was torn by a crash, which is normal.
    var tornTail = false
    /// Whether what was found has been put right.
    var repaired = false
    /// What could not be put right, in words.
    var failures: [String] = []

    /// Whether there is nothing that needs a person.
    var isClean: Bool { damagedMessages.isEmpty && damage.isEmpty && unreadable.isEmpty && failures.isEmpty }
}

/// Opens the spool as the daemon does, reads all of it, and puts right what can be.
///
/// Without repair everything happens on top of the spool, in memory: not a byte of it changes. Nothing is ever deleted:
/// what is damaged or not understood is copied to the quarantine first.
struct SpoolInspection {
    let configuration: BatonConfiguration
    let repairs: Bool

    func run() throws -> SpoolReport {
        let directory = configuration.spool.directory + "/log"
        guard access(directory, F_OK) == 0 else { throw InspectionError.noSpool(directory) }
        let disk = try POSIXFileLayer(path: directory)
        let files: any FileLayer = repairs ? disk : OverlayFileLayer(on: disk)
        let loops = LoopGroup(count: 1)
        let core = loops.loops[0]
        let clock = loops.clock
        let storage = ThreadedStorageExecutor { clock.now }
        let resolver = ZoneResolver(Zone([:]))
        let router = Router(table: configuration.routingTable,
                            hostFinder: MXHostFinder(resolver: resolver, random: SystemRandomSource(), own: configuration.ownHost), loop: core)
        var settings = configuration.logSettings
        // Written ahead they would only take time here.
        settings.spareSegments = 0
        var recovery = QueueRecovery(routes: router)
        // Nothing will be tried; what the last run left open is for the daemon to judge.
        recovery.lastExit = .orderly
        let opened: (log: Log, report: RecoveryReport)
        do {
            var found = recovery
            opened = try withoutActuallyEscaping({ (item: RecoveryItem) in found.take(item) }) { take in
                try Log.open(files: files, executor: storage, settings: settings, random: SystemRandomSource(),
                             knows: QueueRecovery.knows, replay: take)
            }
            recovery = found
        } catch LogOpenError.locked {
            throw InspectionError.daemonIsRunning
        }
        guard recovery.isCheckpointKnown else { throw DaemonError.newerSpool }
        var report = SpoolReport()
        report.messages = recovery.count
        report.damage = opened.report.damage
        report.tornTail = opened.report.tornTail
        report.unreadable = recovery.faults.map(\.text)
        if recovery.unreadable > recovery.faults.count { report.unreadable.append("and \(recovery.unreadable - recovery.faults.count) more") }
        let queue = Queue(log: opened.log, recovery: recovery, settings: configuration.queueSettings(templates: try configuration.makeTemplates()),
                          routes: router, random: SystemRandomSource(), core: core)
        let result = waitFor { done in
            core.execute {
                queue.begin()
                queue.verify(done)
            }
        }
        report.readable = result.good
        report.damagedMessages = result.damaged.map(\.description)
        if repairs { putAside(recovery.faults, of: recovery.unreadable, queue, opened.log, core, &report) }
        waitFor { done in core.execute { opened.log.close(on: core) { done(()) } } }
        storage.shutdown()
        report.repaired = repairs && report.failures.isEmpty
        return report
    }

    /// Copies what was not understood to the quarantine, and only then lets the log forget it.
    private func putAside(_ faults: [RecoveryFault], of count: Int, _ queue: Queue, _ log: Log, _ core: NIOLoop, _ report: inout SpoolReport) {
        guard count > 0 else { return }
        guard faults.count == count else { return report.failures.append("too much is unreadable to be put aside: restore a copy of the spool") }
        for (number, fault) in faults.enumerated() {
            do throws(FileError) {
                try fault.setAside(in: log, number: number)
            } catch {
                report.failures.append("\(fault.text), and could not be copied: \(error)")
            }
        }
        guard report.failures.isEmpty else { return }
        let isWritten = waitFor { done in core.execute { queue.forgetUnreadable(done) } }
        if !isWritten { report.failures.append("the checkpoint could not be written") }
    }

    @discardableResult
    private func waitFor<Value: Sendable>(_ work: (@escaping @Sendable (Value) -> Void) -> Void) -> Value {
        let box = Answer<Value>()
        work { box.give($0) }
        return box.wait()
    }
}

/// A value that comes from another thread.
///
/// Unchecked: written once before the semaphore is signalled, read after.
private final class Answer<Value: Sendable>: @unchecked Sendable {
    private var value: Value?
    private let semaphore = DispatchSemaphore(value: 0)

    func give(_ value: Value) {
        self.value = value
        semaphore.signal()
    }

    func wait() -> Value {
        while true {
            semaphore.wait()
            if let value { return value }
        }
    }
}

/// Why the spool cannot be inspected.
enum InspectionError: Error, CustomStringConvertible {
    case noSpool(String)
    case daemonIsRunning

    var description: String {
        switch self {
        case .noSpool(let path): "there is no log at \(path): is `spool.directory` right?"
        case .daemonIsRunning: "Baton uses this spool: stop it first"
        }
    }
}
