import Ports

/// A loop that runs when the test says so, with a clock of its own.
///
/// Unchecked: used by one thread.
final class TestLoop: Loop, @unchecked Sendable {
    private(set) var now = Timestamp(seconds: 1_800_000_000)
    private var jobs: [@Sendable () -> Void] = []
    private var timers: [(due: Timestamp, id: Int, job: @Sendable () -> Void)] = []
    private var nextID = 0

    var isCurrent: Bool { true }

    func execute(_ job: @escaping @Sendable () -> Void) { jobs.append(job) }

    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        nextID += 1
        let id = nextID
        timers.append((deadline, id, job))
        return LoopTimer { [weak self] in self?.timers.removeAll { $0.id == id } }
    }

    /// Runs what is due now, and what that leads to.
    func run() {
        while true {
            var batch: [@Sendable () -> Void] = []
            swap(&batch, &jobs)
            for job in batch { job() }
            if jobs.isEmpty, !fireTimer(until: now) { return }
        }
    }

    /// Runs one job; false when there is none.
    func step() -> Bool {
        guard !jobs.isEmpty else { return fireTimer(until: now) }
        jobs.removeFirst()()
        return true
    }

    /// Lets `duration` pass.
    func advance(by duration: Duration) {
        let end = now + duration
        run()
        while fireTimer(until: end) { run() }
        now = end
    }

    private func fireTimer(until end: Timestamp) -> Bool {
        guard let next = timers.min(by: { ($0.due, $0.id) < ($1.due, $1.id) }), next.due <= end else { return false }
        timers.removeAll { $0.id == next.id }
        now = max(now, next.due)
        next.job()
        return true
    }
}

/// Numbers from a seed.
final class TestRandom: RandomSource {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}
