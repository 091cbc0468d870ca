import Events
import Glibc
import MailQueue
import Ports
import Sockets
import Synchronization

/// The loop that all tests of this target share.
let testLoops = LoopGroup(count: 1)

/// An answer that a test thread waits for.
final class Answer<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)

    func give(_ value: Value) { self.value.withLock { $0 = value } }

    /// The answer; nil when none comes within ten seconds.
    func wait() -> Value? {
        for _ in 0..<100_000 {
            if let value = value.withLock({ $0 }) { return value }
            sched_yield()
            usleep(100)
        }
        return nil
    }
}

/// A queue that remembers what it was given.
final class RecordingIntake: MessageIntake, @unchecked Sendable {
    private struct State {
        var accepted: [Submission] = []
        var chunks: [(QueueID, [UInt8])] = []
        var refusal: AcceptRefusal?
    }
    private let state = Mutex(State())

    var accepted: [Submission] { state.withLock { $0.accepted } }
    var chunks: [(QueueID, [UInt8])] { state.withLock { $0.chunks } }
    var refusal: AcceptRefusal? {
        get { state.withLock { $0.refusal } }
        set { state.withLock { $0.refusal = newValue } }
    }

    func accept(_ submission: Submission, replyOn loop: any Loop, completion: @escaping @Sendable (AcceptResult) -> Void) {
        let result: AcceptResult = state.withLock { state in
            if let refusal = state.refusal { return .refused(refusal) }
            state.accepted.append(submission)
            return .accepted(submission.id)
        }
        loop.execute { completion(result) }
    }

    func appendChunk(_ id: QueueID, _ bytes: [UInt8], replyOn loop: any Loop, completion: @escaping @Sendable (ChunkResult) -> Void) {
        let result: ChunkResult = state.withLock { state in
            if let refusal = state.refusal { return .refused(refusal) }
            state.chunks.append((id, bytes))
            return .taken
        }
        loop.execute { completion(result) }
    }

    func abandon(_ id: QueueID) {}
}

/// A new empty directory.
func temporaryDirectory() -> String {
    var template = Array("/tmp/baton-control-XXXXXX".utf8CString)
    return mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
}
