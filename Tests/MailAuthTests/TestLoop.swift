import Ports
import Synchronization

/// A loop whose jobs run when the test says so and whose clock is the test's.
final class TestLoop: Loop {
    private struct State {
        var now: Timestamp
        var jobs: [@Sendable () -> Void] = []
        var timers: [Int: (Timestamp, @Sendable () -> Void)] = [:]
        var next = 0
    }

    private let state: Mutex<State>

    init(now: Timestamp) { state = Mutex(State(now: now)) }
    var now: Timestamp { state.withLock { $0.now } }
    var isCurrent: Bool { true }
    func execute(_ job: @escaping @Sendable () -> Void) { state.withLock { $0.jobs.append(job) } }
    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        let id = state.withLock { state in
            state.next += 1
            state.timers[state.next] = (deadline, job)
            return state.next
        }
        return LoopTimer { [self] in state.withLock { $0.timers[id] = nil } }
    }

    /// Runs jobs, then the clock forward to each timer, until nothing is left.
    func run() {
        while true {
            let jobs = state.withLock { state in
                defer { state.jobs = [] }
                return state.jobs
            }
            for job in jobs { job() }
            if !jobs.isEmpty { continue }
            guard let job = state.withLock({ state -> (@Sendable () -> Void)? in
                guard let next = state.timers.min(by: { ($0.value.0, $0.key) < ($1.value.0, $1.key) }) else { return nil }
                state.timers[next.key] = nil
                state.now = max(state.now, next.value.0)
                return next.value.1
            }) else { return }
            job()
        }
    }
}
