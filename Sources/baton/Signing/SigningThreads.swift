import Cryptography
import Dispatch
import Events
import Logging
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

    /// How our own reports are signed by `rules`; nil where nothing is signed.
    func reportSigning(_ rules: SigningRules?, _ logger: Logger) -> ReportSigning? {
        rules.map { ReportSigning($0, executor: self, failed: SigningThreads.failed(logger)) }
    }

    /// Tells the operator of a message that goes without its signature.
    static func failed(_ logger: Logger) -> @Sendable (QueueID, CryptographyError) -> Void {
        { id, error in logger.error("not-signed", metadata: ["id": "\(id)", "reason": "\(KeyDirectory.words(error))"]) }
    }

    func execute(_ job: @escaping @Sendable () -> Void) {
        let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        queues[Int(UInt(bitPattern: turn) % UInt(queues.count))].async(execute: job)
    }
}
