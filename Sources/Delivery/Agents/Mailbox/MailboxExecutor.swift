import Ports

/// Where the blocking work of mailboxes runs: threads in production, a loop in the simulation.
public protocol MailboxExecutor: AnyObject, Sendable {
    /// Runs `job` soon, beside other jobs; callable from anywhere.
    func submit(_ job: @escaping @Sendable () -> Void)
    /// Lets what waits run, then ends; blocks in production.
    func shutdown()
}

/// Runs the work on a loop: for the simulation and for tests.
public final class LoopMailboxExecutor: MailboxExecutor {
    private let loop: any Loop

    /// An executor on `loop`.
    public init(loop: any Loop) { self.loop = loop }

    public func submit(_ job: @escaping @Sendable () -> Void) { loop.execute(job) }

    public func shutdown() {}
}
