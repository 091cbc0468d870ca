import Events
import MailQueue
import MessageFormat

/// What the control server asks of the daemon.
///
/// Every method may be called from any loop, and may answer on any thread, once.
public protocol ControlBackend: AnyObject, Sendable {
    /// How the daemon is.
    func status(_ reply: @escaping @Sendable (DaemonStatus) -> Void)

    /// A page of the waiting messages that pass `filter`; recipients and last outcomes by name where `details` are asked for.
    func list(_ filter: QueueFilter, details: Bool, after cursor: PageCursor, limit: Int,
              reply: @escaping @Sendable (Result<MessagePage, ControlFailure>) -> Void)

    /// Waiting entries by destination and age.
    func shape(bounds: [Duration], reply: @escaping @Sendable ([DestinationShape]) -> Void)

    /// Everything about a waiting message; nil when none has this id.
    func details(of id: QueueID, reply: @escaping @Sendable (Result<MessageDetails?, ControlFailure>) -> Void)

    /// Does `operation` to the messages that pass `filter`, or tells what it would do; `progress` may be told any number of times before.
    func perform(_ operation: QueueOperation, on filter: QueueFilter, mode: OperationMode,
                 progress: @escaping @Sendable (OperationResult) -> Void,
                 reply: @escaping @Sendable (Result<OperationResult, ControlFailure>) -> Void)

    /// What is known of a message; its events are empty when that is nothing.
    func trace(of id: QueueID, reply: @escaping @Sendable (Result<MessageTrace, ControlFailure>) -> Void)

    /// The last `limit` messages from or to an address, newest first.
    func messages(for address: EmailAddress, limit: Int,
                  reply: @escaping @Sendable (Result<[QueueID], ControlFailure>) -> Void)

    /// Puts a changed configuration file in force.
    func reload(_ reply: @escaping @Sendable (Result<ReloadReport, ControlFailure>) -> Void)

    /// Tries everything that waits for a time, and every site, now.
    func flush(_ reply: @escaping @Sendable (Result<FlushReport, ControlFailure>) -> Void)
}
