import Events
import Ports

/// The way into the queue, as receivers see it; `Queue` is its one real form.
///
/// All methods may be called from any loop.
public protocol MessageIntake: AnyObject, Sendable {
    /// Whether there is room for a message of this size, so that a transaction that cannot end well need not begin:
    /// refuse MAIL with 452 4.3.1 where there is none.
    func hasRoom(for octets: UInt64) -> Bool

    /// Puts a message into the log and answers on `loop` once it is synced there, or why it is not.
    func accept(_ submission: Submission, replyOn loop: any Loop, completion: @escaping @Sendable (AcceptResult) -> Void)

    /// Puts the next part of a large body into the log, ahead of its message; answers on `loop` when the next may come.
    func appendChunk(_ id: QueueID, _ bytes: [UInt8], replyOn loop: any Loop,
                     completion: @escaping @Sendable (ChunkResult) -> Void)

    /// Forgets the parts of a message that will never be accepted.
    func abandon(_ id: QueueID)
}

extension MessageIntake {
    /// Room without end, for intakes that keep nothing.
    public func hasRoom(for octets: UInt64) -> Bool { true }
}
