import NIOCore
import Ports

/// An event loop of the network as a `Loop`.
///
/// It keeps its timers itself: NIO's own cost an allocation of a promise each, and cancelling one
/// searches all of them. NIO only ever knows the next wake-up.
public final class NIOLoop: Loop, @unchecked Sendable {
    /// The event loop below.
    let eventLoop: any EventLoop
    /// The clock shared by all loops of the process.
    public let clock: ProcessClock

    // Below: touched on `eventLoop` only, which `schedule` and `cancel` check.
    private var timers = TimerQueue()
    private var armed: (wakeup: Int64, callback: NIOScheduledCallback)?
    private var isFiring = false
    /// The last buffer that was written out, for reuse by whatever connection writes next.
    var spareBuffer = ByteBuffer()

    init(_ eventLoop: any EventLoop, clock: ProcessClock) {
        self.eventLoop = eventLoop
        self.clock = clock
    }

    /// The time of the process; callable from any thread.
    public var now: Timestamp { clock.now }

    public var isCurrent: Bool { eventLoop.inEventLoop }

    public func execute(_ job: @escaping @Sendable () -> Void) { eventLoop.execute(job) }

    public func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        precondition(isCurrent, "a timer is scheduled on its own loop")
        let timer = TimerQueue.Timer(job)
        insert(timer, deadline: deadline)
        arm()
        let confined = LoopConfined(timer, to: self)
        return LoopTimer { [weak self] in
            guard let self else { return }
            self.run { self.timers.cancel(confined.value) }
        }
    }

    /// Longest sleep before a timer is looked at again: far deadlines must not overflow the clock below.
    private static let longestSleep = Duration.days(1).clampedNanoseconds

    private func insert(_ timer: TimerQueue.Timer, deadline: Timestamp) {
        let monotonic = ProcessClock.monotonic
        let delay = (deadline - clock.timestamp(atMonotonic: monotonic)).clampedNanoseconds
        timers.insert(timer, deadline: deadline, wakeup: monotonic &+ min(max(delay, 0), NIOLoop.longestSleep))
    }

    private func arm() {
        guard !isFiring else { return }
        guard let wakeup = timers.nextWakeup else { return }
        if let armed {
            guard wakeup < armed.wakeup else { return }
            armed.callback.cancel()
        }
        let deadline = NIODeadline.uptimeNanoseconds(UInt64(max(0, wakeup)))
        if let callback = try? eventLoop.scheduleCallback(at: deadline, handler: WakeUp(loop: self)) {
            armed = (wakeup, callback)
        } else {
            armed = nil  // The loop is shutting down: no timer fires any more.
        }
    }

    fileprivate func fire() {
        armed = nil
        isFiring = true
        // Timers that are scheduled by these jobs wait for the next turn, so that I/O is never starved.
        let monotonic = ProcessClock.monotonic
        let now = clock.timestamp(atMonotonic: monotonic)
        while let due = timers.popDue(at: monotonic) {
            if due.deadline > now {
                insert(due.timer, deadline: due.deadline)  // A far deadline, or a clock that is being slowed.
            } else {
                TimerQueue.take(due.timer)?()
            }
        }
        isFiring = false
        arm()
    }

    private struct WakeUp: NIOScheduledCallbackHandler, Sendable {
        let loop: NIOLoop
        func handleScheduledCallback(eventLoop: some EventLoop) { loop.fire() }
    }
}
