import Ports
import Storage

/// The log's threads as loops of a simulated process: each lane keeps its order, and each job takes a while to begin.
public final class SimulatedStorageExecutor: StorageExecutor, @unchecked Sendable {
    /// How long a job may wait for the disk.
    public var latency: ClosedRange<Duration> = .microseconds(50)...(.milliseconds(4))
    private let process: SimulatedProcess
    private let lanes: [SimulatedLoop]
    private let random: SeededRandom
    private var lastStart: [Timestamp]
    private var isShutDown = false

    /// An executor whose jobs die with `process`.
    public init(_ process: SimulatedProcess) {
        self.process = process
        lanes = StorageLane.allCases.map { _ in process.makeLoop() }
        lastStart = lanes.map { _ in .distantPast }
        random = process.simulator.random.fork()
    }

    public var now: Timestamp { process.now }

    public func submit(to lane: StorageLane, _ job: @escaping @Sendable () -> Void) {
        guard !isShutDown else { return }
        let start = max(now + random.duration(in: latency), lastStart[lane.rawValue])
        lastStart[lane.rawValue] = start
        lanes[lane.rawValue].scheduleFromOutside(at: start, job)
    }

    public func submit(to lane: StorageLane, after delay: Duration, _ job: @escaping @Sendable () -> Void) {
        guard !isShutDown else { return }
        lanes[lane.rawValue].scheduleFromOutside(at: now + delay) { [weak self] in self?.submit(to: lane, job) }
    }

    public func shutdown() { isShutDown = true }
}
