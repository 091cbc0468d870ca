import Control
import Events
import Glibc
import MailQueue
import MessageFormat
import Ports
import Storage

/// Answers the control socket from the queue and its history.
///
/// Everything it holds may be asked from any thread.
final class DaemonControl: ControlBackend {
    private let queue: Queue
    private let history: History
    private let core: any Loop
    private let started: Timestamp
    private let facts: @Sendable () -> Facts
    private let reloading: @Sendable (_ reply: @escaping @Sendable (Result<ReloadReport, ControlFailure>) -> Void) -> Void

    /// What only the daemon knows.
    struct Facts: Sendable {
        var hostName: String
        var listeners: [String]
        var sessions: Int
        var logState: LogState
    }

    /// A backend over `queue` and `history`; `reload` puts the configuration file in force.
    init(queue: Queue, history: History, facts: @escaping @Sendable () -> Facts,
         reload: @escaping @Sendable (_ reply: @escaping @Sendable (Result<ReloadReport, ControlFailure>) -> Void) -> Void) {
        self.queue = queue
        self.history = history
        self.facts = facts
        core = queue.core
        started = queue.core.now
        reloading = reload
    }

    func status(_ reply: @escaping @Sendable (DaemonStatus) -> Void) {
        let facts = facts()
        core.run {
            var status = DaemonStatus(version: BatonVersion.current, processID: getpid(), hostName: facts.hostName,
                                      started: self.started, now: self.core.now, queue: self.queue.status,
                                      condition: facts.logState.condition(hasRoom: self.queue.hasRoom(for: 0)))
            status.listeners = facts.listeners
            status.sessions = facts.sessions
            status.sites = self.queue.sites
            reply(status)
        }
    }

    func list(_ filter: QueueFilter, details: Bool, after cursor: PageCursor, limit: Int,
              reply: @escaping @Sendable (Result<MessagePage, ControlFailure>) -> Void) {
        queue.list(filter, from: cursor, limit: limit, detail: details ? .full : .brief, replyOn: core) { reply(.success($0)) }
    }

    func shape(bounds: [Duration], reply: @escaping @Sendable ([DestinationShape]) -> Void) {
        core.run { reply(self.queue.shape(bounds: bounds)) }
    }

    func details(of id: QueueID, reply: @escaping @Sendable (Result<MessageDetails?, ControlFailure>) -> Void) {
        queue.details(of: id, replyOn: core) { reply(.success($0)) }
    }

    func perform(_ operation: QueueOperation, on filter: QueueFilter, mode: OperationMode,
                 progress: @escaping @Sendable (OperationResult) -> Void,
                 reply: @escaping @Sendable (Result<OperationResult, ControlFailure>) -> Void) {
        queue.perform(operation, on: filter, mode: mode, replyOn: core, progress: progress) { reply(.success($0)) }
    }

    func trace(of id: QueueID, reply: @escaping @Sendable (Result<MessageTrace, ControlFailure>) -> Void) {
        history.trace(of: id, on: core) { reply($0.mapError { ControlFailure(.storage, "the log could not be read: \($0)") }) }
    }

    func messages(for address: EmailAddress, limit: Int, reply: @escaping @Sendable (Result<[QueueID], ControlFailure>) -> Void) {
        history.messages(for: address, limit: limit, on: core) { result in
            reply(result.mapError { ControlFailure(.storage, "the log could not be read: \($0)") })
        }
    }

    func reload(_ reply: @escaping @Sendable (Result<ReloadReport, ControlFailure>) -> Void) { reloading(reply) }

    func flush(_ reply: @escaping @Sendable (Result<FlushReport, ControlFailure>) -> Void) {
        core.run {
            let counts = self.queue.status.entries
            self.queue.flush()
            reply(.success(FlushReport(messages: counts.total - counts.held - counts.inFlight)))
        }
    }
}

extension LogState {
    /// What `baton status` says of the daemon.
    fileprivate func condition(hasRoom: Bool) -> String {
        switch self {
        case .open where hasRoom: "running"
        case .open, .outOfSpace: "no space left: mail is refused with 452, deliveries go on"
        case .failed: "the log cannot be written: mail is refused with 452, nothing new is delivered"
        case .closed: "stopping"
        }
    }
}
