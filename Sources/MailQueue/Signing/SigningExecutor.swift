/// Where signatures are computed: worker threads in production, so that no loop waits for a private-key operation;
/// the loop itself in the simulation.
public protocol SigningExecutor: AnyObject, Sendable {
    /// Runs `job` soon; callable from any thread.
    func execute(_ job: @escaping @Sendable () -> Void)
}
