import Ports
import Synchronization

/// A loop on the test's own thread, whose clock jumps to the next deadline.
final class VirtualLoop: Loop {
    private struct Job {
        let deadline: Timestamp
        let order: Int
        let run: @Sendable () -> Void
    }

    private struct State {
        var now = Timestamp(seconds: 1_000_000)
        var jobs: [Job] = []
        var order = 0
    }

    private let state = Mutex(State())

    var now: Timestamp { state.withLock(\.now) }
    var isCurrent: Bool { true }

    func execute(_ job: @escaping @Sendable () -> Void) { add(job, at: now) }

    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        let order = add(job, at: deadline)
        return LoopTimer { [self] in state.withLock { $0.jobs.removeAll { $0.order == order } } }
    }

    @discardableResult
    private func add(_ job: @escaping @Sendable () -> Void, at deadline: Timestamp) -> Int {
        state.withLock { state in
            state.order += 1
            state.jobs.append(Job(deadline: deadline, order: state.order, run: job))
            return state.order
        }
    }

    /// Runs everything that is due or will be.
    func drain() {
        while let job = nextJob() { job.run() }
    }

    private func nextJob() -> Job? {
        state.withLock { state in
            let next = state.jobs.indices.min {
                (state.jobs[$0].deadline, state.jobs[$0].order) < (state.jobs[$1].deadline, state.jobs[$1].order)
            }
            guard let next else { return nil }
            let job = state.jobs.remove(at: next)
            state.now = max(state.now, job.deadline)
            return job
        }
    }
}

/// A loop that runs every job at once, wherever it is called from.
final class ImmediateLoop: Loop {
    var now: Timestamp { Timestamp(seconds: 1_000_000) }
    var isCurrent: Bool { true }
    func execute(_ job: @escaping @Sendable () -> Void) { job() }
    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer { LoopTimer {} }
}
