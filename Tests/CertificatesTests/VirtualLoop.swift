import Ports

/// A loop whose clock jumps: jobs run when the test says so, timers when nothing else is left.
final class VirtualLoop: Loop, @unchecked Sendable {
    private(set) var now = Timestamp(seconds: 1_800_000_000)
    private var jobs: [@Sendable () -> Void] = []
    private var timers: [Int: (deadline: Timestamp, job: @Sendable () -> Void)] = [:]
    private var nextTimer = 0

    var isCurrent: Bool { true }
    var timerCount: Int { timers.count }

    func execute(_ job: @escaping @Sendable () -> Void) { jobs.append(job) }

    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        let id = nextTimer
        nextTimer += 1
        timers[id] = (deadline, job)
        return LoopTimer { self.timers[id] = nil }
    }

    /// Runs what is due, without moving the clock.
    func run() {
        while true {
            if !jobs.isEmpty {
                let batch = jobs
                jobs = []
                for job in batch { job() }
            } else if let due = firstTimer(until: now) {
                timers.removeValue(forKey: due)?.job()
            } else {
                return
            }
        }
    }

    /// Lets time pass, with everything that happens meanwhile.
    func advance(by duration: Duration) {
        let end = now + duration
        run()
        while let due = firstTimer(until: end), let timer = timers.removeValue(forKey: due) {
            now = max(now, timer.deadline)
            timer.job()
            run()
        }
        now = end
        run()
    }

    private func firstTimer(until limit: Timestamp) -> Int? {
        timers.filter { $0.value.deadline <= limit }.min { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }?.key
    }
}
