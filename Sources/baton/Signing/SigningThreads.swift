import Dispatch
import MailQueue
import Synchronization

/// The threads that sign; jobs are dealt out in turn.
final class SigningThreads: SigningExecutor {
    private let queues: [DispatchQueue]
    private let turn = Atomic<Int>(0)

    /// `count` threads.
    init(count: Int) {
        queues = (0..<max(1, count)).map { DispatchQueue(label: "baton.signing.\($0)") }
    }

    func execute(_ job: @escaping @Sendable () -> Void) {
        let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        queues[Int(UInt(bitPattern: turn) % UInt(queues.count))].async(execute: job)
    }
}
