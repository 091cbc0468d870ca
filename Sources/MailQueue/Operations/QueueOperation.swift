import Events

/// What an operator can do to waiting messages.
public enum QueueOperation: String, Hashable, Sendable, CaseIterable {
    /// Keep it from being tried.
    case hold
    /// End a hold.
    case release
    /// Try it at once.
    case retryNow = "retry"
    /// Give it up with a bounce to its sender.
    case bounce
    /// Take it away without a bounce.
    case remove
}

/// Whether an operation is carried out.
public enum OperationMode: Hashable, Sendable {
    /// Do it.
    case perform
    /// Only say what would be done.
    case dryRun
}

/// What an operation did, or would do.
public struct OperationResult: Hashable, Sendable {
    /// The messages that it concerned; at most the first 1000.
    public var messages: [QueueID] = []
    /// How many it concerned.
    public var count = 0
    /// Messages that it could not be done to, because they are being delivered at the moment.
    public var busy = 0
    /// Messages whose change could not be recorded.
    public var failed = 0
}

/// The queue in numbers.
public struct QueueStatistics: Hashable, Sendable {
    /// Messages waiting.
    public var messages = 0
    /// Entries by state.
    public var entries = ScheduleCounts()
    /// Octets of bodies kept in memory.
    public var bodyMemory = 0
    /// Octets of unfinished large messages in the log.
    public var uncommitted: UInt64 = 0
    /// Messages accepted since the start.
    public var accepted: UInt64 = 0
    /// Messages refused since the start, for want of space or by a failing log.
    public var refused: UInt64 = 0
    /// Attempts since the start.
    public var attempts: UInt64 = 0
    /// Recipients delivered or relayed since the start.
    public var delivered: UInt64 = 0
    /// Results `deferred` since the start.
    public var deferred: UInt64 = 0
    /// Recipients bounced or expired since the start.
    public var bounced: UInt64 = 0
    /// Notifications sent since the start.
    public var reports: UInt64 = 0
    /// Bounces of bounces dropped since the start.
    public var bouncesDropped: UInt64 = 0
    /// Messages held for crashing since the start.
    public var crashHolds: UInt64 = 0
    /// Records that the start could not understand: nothing in the log is freed while there are any.
    public var unreadable = 0
}
