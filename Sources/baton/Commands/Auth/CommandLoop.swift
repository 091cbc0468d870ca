import Dispatch
import Glibc
import Ports
import Synchronization

/// The loop of a command: its jobs run on the thread that waits for them.
///
/// Against a zone the clock stands, and jumps to the next timer when nothing else is left to do, so
/// that a run takes no real time and always ends the same; against the network it is the clock of the process.
final class CommandLoop: Loop, @unchecked Sendable {
    /// Where the time comes from.
    enum Clock {
        /// The clock of the process.
        case system(@Sendable () -> Timestamp)
        /// A clock that stands at a moment until it jumps.
        case standing(Timestamp)
    }

    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var standing: Timestamp?
    }

    private struct Timer {
        let deadline: Timestamp
        let job: @Sendable () -> Void
    }

    private let state: Mutex<State>
    private let systemClock: (@Sendable () -> Timestamp)?
    private let wakeup = DispatchSemaphore(value: 0)
    private let owner = pthread_self()
    // Below: touched by the owner's thread only, which `schedule` and `cancel` check.
    private var timers: [UInt64: Timer] = [:]
    private var nextTimer: UInt64 = 0

    /// A loop of the calling thread.
    init(_ clock: Clock) {
        switch clock {
        case .system(let now):
            systemClock = now
            state = Mutex(State())
        case .standing(let moment):
            systemClock = nil
            state = Mutex(State(standing: moment))
        }
    }

    var now: Timestamp { systemClock?() ?? state.withLock { $0.standing } ?? .distantPast }

    var isCurrent: Bool { pthread_equal(pthread_self(), owner) != 0 }

    func execute(_ job: @escaping @Sendable () -> Void) {
        state.withLock { $0.jobs.append(job) }
        if systemClock != nil { wakeup.signal() }
    }

    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        precondition(isCurrent, "a timer is scheduled on its own loop")
        nextTimer &+= 1
        let id = nextTimer
        timers[id] = Timer(deadline: deadline, job: job)
        return LoopTimer { [weak self] in
            guard let self else { return }
            self.run { self.timers[id] = nil }
        }
    }

    /// Sets a standing clock.
    func stand(at moment: Timestamp) {
        if systemClock == nil { state.withLock { $0.standing = moment } }
    }

    /// Runs jobs and timers until `isDone` says so, or until nothing is left that could change it.
    func run(until isDone: () -> Bool) {
        while !isDone() {
            let jobs = state.withLock { state in
                defer { state.jobs.removeAll(keepingCapacity: true) }
                return state.jobs
            }
            for job in jobs { job() }
            if !jobs.isEmpty { continue }
            guard fireOrWait() else { return }
        }
    }

    /// Fires the next timer that is due, or waits for a job or for it; false when nothing can come any more.
    private func fireOrWait() -> Bool {
        let next = timers.min { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }
        guard systemClock != nil else {
            guard let next else { return false }
            timers[next.key] = nil
            state.withLock { $0.standing = max($0.standing ?? .distantPast, next.value.deadline) }
            next.value.job()
            return true
        }
        guard let next else {
            wakeup.wait()
            return true
        }
        let left = next.value.deadline - now
        if left <= .zero {
            timers[next.key] = nil
            next.value.job()
        } else {
            _ = wakeup.wait(timeout: .now() + .nanoseconds(Int(clamping: left.clampedNanoseconds)))
        }
        return true
    }
}
