import Ports

/// A loop that runs its jobs when it is told to, and whose clock jumps to the next timer.
final class QuestionLoop: Loop, @unchecked Sendable {
    private(set) var now = Timestamp(seconds: 1_800_000_000)
    let isCurrent = true
    private var jobs: [@Sendable () -> Void] = []
    private var timers: [(number: Int, deadline: Timestamp, job: @Sendable () -> Void)] = []
    private var count = 0

    func execute(_ job: @escaping @Sendable () -> Void) { jobs.append(job) }

    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        count += 1
        let number = count
        timers.append((number, deadline, job))
        return LoopTimer { [weak self] in self?.timers.removeAll { $0.number == number } }
    }

    /// Runs until nothing is left to do; false when `limit` jobs were not enough.
    func run(limit: Int) -> Bool {
        for _ in 0..<limit {
            if !jobs.isEmpty {
                jobs.removeFirst()()
            } else if let next = timers.indices.min(by: { timers[$0].deadline < timers[$1].deadline }) {
                let timer = timers.remove(at: next)
                now = max(now, timer.deadline)
                timer.job()
            } else {
                return true
            }
        }
        return false
    }
}
