import Ports

/// A process of the simulated world: some loops that share a clock and die together.
public final class SimulatedProcess: @unchecked Sendable {
    /// The world.
    public let simulator: Simulator
    /// The name, for failures.
    public let name: String
    /// Whether it runs; once killed it never does again.
    public private(set) var isAlive = true
    /// Whether it is stopped: what comes in waits until it wakes.
    public private(set) var isPaused = false
    /// How far its clock is ahead of the world's.
    public private(set) var clockOffset = Duration.zero
    private var loops: [SimulatedLoop] = []
    private var mortals: [Int: () -> Void] = [:]
    private var mortalCount = 0

    /// A process that runs.
    public init(_ name: String, in simulator: Simulator) {
        self.name = name
        self.simulator = simulator
    }

    /// The time as the process sees it.
    public var now: Timestamp { simulator.now + clockOffset }

    /// Another loop of this process.
    public func makeLoop() -> SimulatedLoop {
        let loop = SimulatedLoop(self)
        loops.append(loop)
        return loop
    }

    /// Ends the process at this moment: jobs and timers never run, what they hold is let go.
    public func kill() {
        guard isAlive else { return }
        isAlive = false
        let last = mortals
        mortals = [:]
        for (_, end) in last.sorted(by: { $0.key < $1.key }) { end() }
        for loop in loops { loop.drop() }
        loops = []
    }

    /// Stops the process where it is, as a signal or a hypervisor would; its clock goes on.
    public func pause() {
        guard isAlive, !isPaused else { return }
        isPaused = true
        for loop in loops { loop.pause() }
    }

    /// Has a stopped process go on, with all that came in meanwhile.
    public func wake() {
        guard isAlive, isPaused else { return }
        isPaused = false
        for loop in loops { loop.wake() }
    }

    /// Sets the clock forward (or back) by `duration`, as a correction of the wall clock would.
    public func jumpClock(by duration: Duration) {
        clockOffset += duration
        for loop in loops { loop.clockJumped() }
    }

    /// Has `end` called when the process is killed, unless `forget` is called with the number before.
    @discardableResult
    func atDeath(_ end: @escaping () -> Void) -> Int {
        mortalCount += 1
        mortals[mortalCount] = end
        return mortalCount
    }

    func forget(_ number: Int) { mortals[number] = nil }
}
