import Ports

/// A loop of a simulated process: its jobs run in order, between those of other loops.
public final class SimulatedLoop: Loop, @unchecked Sendable {
    /// The process it belongs to.
    public let process: SimulatedProcess
    let number: Int
    private var jobs: [@Sendable () -> Void] = []
    private var firstJob = 0
    private var timers: [UInt64: Pending] = [:]
    private var timerCount: UInt64 = 0
    private let whereabouts = Whereabouts<SimulatedLoop>()

    private struct Pending {
        let deadline: Timestamp
        let job: @Sendable () -> Void
        var timer: LoopTimer
    }

    init(_ process: SimulatedProcess) {
        self.process = process
        number = process.simulator.register()
        whereabouts.object = self
    }

    deinit { whereabouts.object = nil }

    public var now: Timestamp { process.now }

    public var isCurrent: Bool { process.simulator.current === self }

    public func execute(_ job: @escaping @Sendable () -> Void) {
        guard process.isAlive else { return }
        jobs.append(job)
        if jobs.count - firstJob == 1, !process.isPaused { process.simulator.becameRunnable(self) }
    }

    public func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        precondition(isCurrent, "a timer is scheduled on its own loop")
        return scheduleFromOutside(at: deadline, job)
    }

    /// Like `schedule`, for what drives the world and so is on no loop.
    @discardableResult
    public func scheduleFromOutside(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        guard process.isAlive else { return LoopTimer {} }
        timerCount += 1
        let key = timerCount
        timers[key] = Pending(deadline: deadline, job: job, timer: arm(key, deadline))
        return LoopTimer { [whereabouts = LoopFree(whereabouts)] in
            whereabouts.value.object?.timers.removeValue(forKey: key)?.timer.cancel()
        }
    }

    /// Runs the first job; false when none is left after it.
    func runFirst() -> Bool {
        guard firstJob < jobs.count else { return false }
        let job = jobs[firstJob]
        firstJob += 1
        // The list is shortened now and then, not at every job.
        if firstJob == jobs.count { removeRun() } else if firstJob > 1000 { removeRun() }
        job()
        return firstJob < jobs.count
    }

    func drop() {
        jobs = []
        firstJob = 0
        let dropped = timers
        timers = [:]
        for key in dropped.keys.sorted() { dropped[key]?.timer.cancel() }
        process.simulator.becameIdle(self)
    }

    func pause() {
        if jobs.count > firstJob { process.simulator.becameIdle(self) }
    }

    func wake() {
        if jobs.count > firstJob { process.simulator.becameRunnable(self) }
    }

    func clockJumped() {
        for key in timers.keys.sorted() {
            guard let pending = timers[key] else { continue }
            pending.timer.cancel()
            timers[key]?.timer = arm(key, pending.deadline)
        }
    }

    private func removeRun() {
        jobs.removeFirst(firstJob)
        firstJob = 0
    }

    private func arm(_ key: UInt64, _ deadline: Timestamp) -> LoopTimer {
        process.simulator.insertTimer(wakeUp: deadline - process.clockOffset) { [whereabouts] in
            guard let loop = whereabouts.object, let pending = loop.timers.removeValue(forKey: key) else { return }
            loop.execute(pending.job)
        }
    }
}
