import Ports

/// Where the log's blocking work runs.
///
/// Jobs of one lane run one after the other, in order; lanes run beside each other in production
/// (one thread each) and take turns on one loop in the simulation.
public protocol StorageExecutor: AnyObject, Sendable {
    /// The time, for ages and delays.
    var now: Timestamp { get }
    /// Runs `job` on `lane` after what is already waiting there; callable from anywhere.
    func submit(to lane: StorageLane, _ job: @escaping @Sendable () -> Void)
    /// Runs `job` on `lane` when `delay` has passed, or soon after; callable from anywhere.
    func submit(to lane: StorageLane, after delay: Duration, _ job: @escaping @Sendable () -> Void)
    /// Lets what waits on all lanes run, then ends them; delayed jobs are dropped. Blocks in production.
    func shutdown()
}

/// The three kinds of blocking work.
public enum StorageLane: Int, Sendable, CaseIterable {
    /// Appending and syncing.
    case writer
    /// Reading by position and history queries.
    case reader
    /// Preparing segments, checkpoints, compaction, archives.
    case background
}
