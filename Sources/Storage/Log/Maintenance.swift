import Ports
import Synchronization

/// Speaks with the owner and knows when a checkpoint is due.
final class Maintenance: Sendable {
    private struct Contents {
        var owner: LoopConfined<any LogOwner>?
        /// Bytes logged since the last checkpoint began.
        var logged: Int
        var dueAt: Int
        var isAsked = false
        /// Bytes of the last checkpoint.
        var checkpointBytes: Int
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
            return contents.logged >= contents.dueAt
        }
        if isDue { askForCheckpoint() }
    }

    /// Asks the owner for a checkpoint, once until it begins one.
    func askForCheckpoint() {
        let owner = contents.withLock { contents -> LoopConfined<any LogOwner>? in
            guard !contents.isAsked, let owner = contents.owner else { return nil }
            contents.isAsked = true
            return owner
        }
        owner?.loop.execute { owner?.value.checkpointDue() }
    }

    func checkpointBegan() {
        contents.withLock { contents in
            contents.logged = 0
            contents.isAsked = false
        }
    }

    /// The next one is due when four times as much has been logged: a million waiting messages make a large checkpoint.
    func checkpointEnded(bytes: Int) {
        contents.withLock { contents in
            contents.dueAt = max(minimum, bytes * 4)
            contents.checkpointBytes = bytes
        }
    }

    /// Bytes of the last checkpoint.
    var checkpointBytes: Int { contents.withLock { $0.checkpointBytes } }

    func checkpointFailed() { contents.withLock { $0.logged += $0.dueAt / 2 } }

    /// The owner, if the log has been started.
    var owner: LoopConfined<any LogOwner>? { contents.withLock { $0.owner } }

    func tellMoved(_ moves: [RecordMove]) {
        guard !moves.isEmpty, let owner else { return }
        owner.loop.execute { owner.value.moved(moves) }
    }

    func tellState(_ state: LogState) {
        guard let owner else { return }
        owner.loop.execute { owner.value.stateChanged(state) }
    }
}
