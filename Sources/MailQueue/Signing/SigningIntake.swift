import Cryptography
import Events
import Ports

/// The way into the queue for mail that may have to be signed first.
///
/// What `Cleanup` has ordered is made on the executor, then the message goes on with its signatures on top. A message that
/// cannot be signed goes on without: its recipients may still take it, and `failed` tells the operator.
public final class SigningIntake: MessageIntake {
    private let intake: any MessageIntake
    private let executor: any SigningExecutor
    private let failed: @Sendable (QueueID, CryptographyError) -> Void

    /// A way into `intake` that leads through `executor` for mail to be signed.
    public init(_ intake: any MessageIntake, executor: any SigningExecutor, failed: @escaping @Sendable (QueueID, CryptographyError) -> Void) {
        self.intake = intake
        self.executor = executor
        self.failed = failed
    }

    public func hasRoom(for octets: UInt64) -> Bool { intake.hasRoom(for: octets) }

    public func accept(_ submission: Submission, replyOn loop: any Loop, completion: @escaping @Sendable (AcceptResult) -> Void) {
        guard let order = submission.signatures else { return intake.accept(submission, replyOn: loop, completion: completion) }
        executor.execute { [intake, failed] in
            do throws(CryptographyError) {
                intake.accept(submission.signed(try order.fields()), replyOn: loop, completion: completion)
            } catch {
                failed(submission.id, error)
                intake.accept(submission, replyOn: loop, completion: completion)
            }
        }
    }

    public func appendChunk(_ id: QueueID, _ bytes: [UInt8], replyOn loop: any Loop,
                            completion: @escaping @Sendable (ChunkResult) -> Void) {
        intake.appendChunk(id, bytes, replyOn: loop, completion: completion)
    }

    public func abandon(_ id: QueueID) { intake.abandon(id) }
}
