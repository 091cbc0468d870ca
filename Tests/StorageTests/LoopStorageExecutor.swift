import Ports
import Storage

/// Runs the log's work on a loop, one job of a lane after the other.
///
/// Unchecked: confined to its loop.
final class LoopStorageExecutor: StorageExecutor, @unchecked Sendable {
    private let loop: any Loop
    private let latency: (StorageLane) -> Duration
    private var waiting: [[@Sendable () -> Void]] = StorageLane.allCases.map { _ in [] }
    private var isDead = false

    /// Runs jobs on `loop`, each `latency` after it could have begun.
    init(loop: any Loop, latency: @escaping (StorageLane) -> Duration = { _ in .zero }) {
        self.loop = loop
        self.latency = latency
    }

    var now: Timestamp { loop.now }

    func submit(to lane: StorageLane, _ job: @escaping @Sendable () -> Void) {
        guard !isDead else { return }
        waiting[lane.rawValue].append(job)
        if waiting[lane.rawValue].count == 1 { scheduleStep(lane) }
    }

    func submit(to lane: StorageLane, after delay: Duration, _ job: @escaping @Sendable () -> Void) {
        guard !isDead else { return }
        _ = loop.schedule(at: loop.now + delay) { [weak self] in self?.submit(to: lane, job) }
    }

    func shutdown() {}

    /// Drops everything that was not yet done: the process is gone.
    func crash() {
        isDead = true
        waiting = StorageLane.allCases.map { _ in [] }
    }

    private func scheduleStep(_ lane: StorageLane) {
        let delay = latency(lane)
        if delay == .zero {
            loop.execute { [weak self] in self?.step(lane) }
        } else {
            _ = loop.schedule(at: loop.now + delay) { [weak self] in self?.step(lane) }
        }
    }

    private func step(_ lane: StorageLane) {
        guard !isDead, let job = waiting[lane.rawValue].first else { return }
        job()
        guard !isDead else { return }
        waiting[lane.rawValue].removeFirst()
        if !waiting[lane.rawValue].isEmpty { scheduleStep(lane) }
    }
}
