/// The thread that a piece of state is confined to, with its clock and timers.
///
/// In production a loop is an event loop of the network; in the simulation all loops are one
/// seeded queue whose clock jumps to the next deadline. Code above this port never asks a system
/// clock and never starts a thread.
public protocol Loop: AnyObject, Sendable {
    /// The time of this loop.
    var now: Timestamp { get }

    /// Whether the caller runs on this loop.
    var isCurrent: Bool { get }

    /// Runs `job` on this loop, after what is already waiting there; callable from any thread.
    func execute(_ job: @escaping @Sendable () -> Void)

    /// Runs `job` on this loop at `deadline` or soon after; callable from this loop only.
    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer
}

extension Loop {
    /// Runs `job` now when the caller is on this loop, otherwise soon.
    @inlinable
    public func run(_ job: @escaping @Sendable () -> Void) {
        if isCurrent { job() } else { execute(job) }
    }
}

/// A scheduled job that can still be cancelled.
public struct LoopTimer: Sendable {
    private let cancelJob: @Sendable () -> Void

    /// A timer that `cancel` calls off; cancelling twice, or after it fired, must be harmless.
    public init(cancel: @escaping @Sendable () -> Void) { cancelJob = cancel }

    /// Calls the job off; harmless after it has run.
    public func cancel() { cancelJob() }
}

/// A value that only its loop may touch, carried through code that may run anywhere.
///
/// This is the one place where confinement is asserted rather than proved: every access checks
/// that it happens on the loop, and traps otherwise.
public struct LoopConfined<Value>: @unchecked Sendable {
    private let confined: Value
    /// The loop that `value` belongs to.
    public let loop: any Loop

    /// Confines `value` to `loop`.
    public init(_ value: Value, to loop: any Loop) {
        confined = value
        self.loop = loop
    }

    /// The value; the caller must be on `loop`.
    @inlinable public var value: Value { access() }

    @usableFromInline func access() -> Value {
        precondition(loop.isCurrent, "loop-confined value touched from elsewhere")
        return confined
    }
}
