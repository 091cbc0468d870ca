import Ports
import Synchronization

/// Speaks with the owner and knows when a checkpoint is due.
final class Maintenance: Sendable {
    private struct Contents {
        var owner: LoopConfined<any LogOwner>?
        /// Bytes logged since the last checkpoint began.
        var logged: Int
        var dueAt: Int
        var phase = Phase.idle
        /// Bytes of the last checkpoint.
        var checkpointBytes: Int
        /// The last checkpoint freed nothing, and not much has been logged since.
        var isStuck = false
    }

    /// How far the next checkpoint is.
    private enum Phase {
        case idle
        /// The owner has been asked when as much had been logged.
        case asked(logged: Int)
        case begun
    }

    private let minimum: Int
    private let contents: Mutex<Contents>

    /// `replayed` bytes of log are not covered by the last checkpoint, which has `checkpointBytes`.
    init(settings: LogSettings, replayed: Int, checkpointBytes: Int) {
        minimum = settings.checkpointBytes
        contents = Mutex(Contents(logged: replayed, dueAt: max(settings.checkpointBytes, checkpointBytes * 4),
                                  checkpointBytes: checkpointBytes))
    }

    func start(owner: LoopConfined<any LogOwner>) {
        contents.withLock { $0.owner = owner }
        logged(0)
    }

    func stop() { contents.withLock { $0.owner = nil } }

    /// Counts what was appended, and asks for a checkpoint when it is time.
    func logged(_ bytes: Int) {
        let isDue = contents.withLock { contents in
            contents.logged += bytes
            if contents.logged >= contents.dueAt / 4 { contents.isStuck = false }
            return contents.logged >= contents.dueAt
        }
        if isDue { askForCheckpoint() }
    }

    /// Asks the owner for a checkpoint, unless one is under way; again after a while if the owner did not begin.
    func askForCheckpoint() {
        let owner = contents.withLock { contents -> LoopConfined<any LogOwner>? in
            switch contents.phase {
            case .begun: return nil
            case .asked(let logged) where contents.logged < logged + contents.dueAt / 2: return nil
            case .asked, .idle: break
            }
            guard let owner = contents.owner else { return nil }
            contents.phase = .asked(logged: contents.logged)
            return owner
        }
        owner?.loop.execute { owner?.value.checkpointDue() }
    }

    /// Asks for a checkpoint that would free `bytes`, if it is worth its own size and can be expected to do it.
    func askForSpace(_ bytes: Int) {
        let isWorthIt = contents.withLock { !$0.isStuck && bytes >= 2 * $0.checkpointBytes }
        if isWorthIt { askForCheckpoint() }
    }

    /// Remembers whether the last checkpoint freed anything: if not, another one would be as useless.
    func compacted(isProgress: Bool) { contents.withLock { $0.isStuck = !isProgress } }

    func checkpointBegan() {
        contents.withLock { contents in
            contents.logged = 0
            contents.phase = .begun
        }
    }

    /// The next one is due when four times as much has been logged: a million waiting messages make a large checkpoint.
    func checkpointEnded(bytes: Int) {
        contents.withLock { contents in
            contents.dueAt = max(minimum, bytes * 4)
            contents.checkpointBytes = bytes
            contents.phase = .idle
        }
    }

    /// Bytes of the last checkpoint.
    var checkpointBytes: Int { contents.withLock { $0.checkpointBytes } }

    /// The next one is due when half as much as usual has been logged.
    func checkpointFailed() {
        contents.withLock { contents in
            contents.logged += contents.dueAt / 2
            contents.phase = .idle
        }
    }

    /// The owner, if the log has been started.
    var owner: LoopConfined<any LogOwner>? { contents.withLock { $0.owner } }

    func tellMoved(_ moves: [RecordMove]) {
        guard !moves.isEmpty, let owner else { return }
        owner.loop.execute { owner.value.moved(moves) {} }
    }

    func tellState(_ state: LogState) {
        guard let owner else { return }
        owner.loop.execute { owner.value.stateChanged(state) }
    }
}
