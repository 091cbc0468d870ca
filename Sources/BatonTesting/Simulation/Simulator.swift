import Ports

/// The one thread of a simulated world: its clock, its order of events, its dice.
///
/// Loops keep the order of their own jobs; which loop goes next is drawn by lot. When no job
/// waits, the clock jumps to the next timer. So a seed stands for one history, and a year takes
/// seconds. Everything in a world is confined to the thread that calls `step`.
public final class Simulator: @unchecked Sendable {
    /// The time of the world; processes may have clocks that are off.
    public private(set) var now: Timestamp
    /// The dice of the world's own events; peers and faults draw from forks.
    public let random: SeededRandom
    /// The seed that replays this history.
    public let seed: UInt64
    /// Jobs and timers run so far.
    public private(set) var steps = 0
    /// A hash of the order and times of all events so far: equal for equal histories.
    public private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325

    private var runnable: [SimulatedLoop] = []
    private var timers = DeadlineHeap()
    private var timerCount: UInt64 = 0
    private var loopCount = 0
    /// The loop whose job runs at this moment.
    private(set) var current: SimulatedLoop?

    /// A world of its own for `seed`, beginning at `start`.
    public init(seed: UInt64, start: Timestamp = Timestamp(seconds: 1_800_000_000)) {
        self.seed = seed
        now = start
        random = SeededRandom(seed: seed)
    }

    /// Runs one job, or lets the clock jump to the next timer; false when nothing is left to do.
    public func step() -> Bool {
        if runnable.isEmpty {
            while let timer = timers.popFirst() {
                guard timer.isPending else { continue }
                now = max(now, timer.wakeUp)
                timer.fire()
                break
            }
            fireDue()
            return !runnable.isEmpty || !timers.isEmpty
        }
        steps += 1
        let index = runnable.count == 1 ? 0 : random.number(in: 0...(runnable.count - 1))
        let loop = runnable[index]
        now = now + .nanoseconds(Int64(1_000 + random.next(below: 20_000)))
        record(UInt64(loop.number))
        current = loop
        let isDone = !loop.runFirst()
        current = nil
        // Killing a process in the job may have changed the list.
        if isDone, let place = runnable.firstIndex(where: { $0 === loop }) { remove(place) }
        fireDue()
        return true
    }

    /// Steps until `condition` holds; false when the world came to rest, or `limit` steps were made, before.
    public func run(limit: Int = 5_000_000, until condition: () -> Bool) -> Bool {
        for _ in 0..<limit {
            if condition() { return true }
            if !step() { return condition() }
        }
        return condition()
    }

    /// Steps until `duration` has passed.
    public func run(for duration: Duration) {
        let end = now + duration
        var isOver = false
        // A timer of the world itself, so that the clock stops there.
        _ = schedule(at: end) { isOver = true }
        while !isOver, step() {}
    }

    /// Forgets what was still to happen, and with it everything that waited for it.
    public func end() {
        timers = DeadlineHeap()
        runnable = []
    }

    /// Runs `event` at `moment`, on no loop: for what happens to the world from outside.
    @discardableResult
    public func schedule(at moment: Timestamp, _ event: @escaping () -> Void) -> LoopTimer {
        insertTimer(wakeUp: moment, fire: event)
    }

    /// Mixes a number into `digest`.
    public func record(_ value: UInt64) {
        digest = (digest ^ value ^ UInt64(bitPattern: now.nanoseconds)) &* 0x0000_0100_0000_01b3
    }

    // MARK: For loops

    func register() -> Int {
        loopCount += 1
        return loopCount
    }

    func becameRunnable(_ loop: SimulatedLoop) { runnable.append(loop) }

    func becameIdle(_ loop: SimulatedLoop) {
        if let place = runnable.firstIndex(where: { $0 === loop }) { remove(place) }
    }

    func insertTimer(wakeUp: Timestamp, fire: @escaping () -> Void) -> LoopTimer {
        timerCount += 1
        let timer = DeadlineHeap.Timer(wakeUp: wakeUp, number: timerCount, job: fire)
        timers.insert(timer)
        return LoopTimer { timer.cancel() }
    }

    private func fireDue() {
        while let wakeUp = timers.firstWakeUp, wakeUp <= now {
            timers.popFirst()?.fire()
        }
    }

    private func remove(_ place: Int) {
        runnable.swapAt(place, runnable.count - 1)
        runnable.removeLast()
    }
}
