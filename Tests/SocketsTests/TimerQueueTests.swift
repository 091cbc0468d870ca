import Ports
import Testing

@testable import Sockets

@Suite("Timer queue")
struct TimerQueueTests {
    private func timer() -> TimerQueue.Timer { TimerQueue.Timer {} }

    @Test("timers come due in the order of their deadlines, equal ones in the order of arming")
    func order() {
        var queue = TimerQueue()
        let wakeups: [Int64] = [50, 10, 40, 10, 30, 20, 10]
        for (index, wakeup) in wakeups.enumerated() {
            queue.insert(timer(), deadline: Timestamp(nanoseconds: Int64(index)), wakeup: wakeup)
        }
        var order: [Int64] = []
        while let due = queue.popDue(at: 40) { order.append(due.deadline.nanoseconds) }
        #expect(order == [1, 3, 6, 5, 4, 2])
        #expect(queue.nextWakeup == 50)
    }

    @Test("a cancelled timer never comes due, and cancelling again or late is harmless")
    func cancelling() {
        var queue = TimerQueue()
        let first = timer(), second = timer()
        queue.insert(first, deadline: .distantPast, wakeup: 1)
        queue.insert(second, deadline: .distantPast, wakeup: 2)
        queue.cancel(first)
        queue.cancel(first)
        #expect(queue.popDue(at: 10)?.timer === second)
        #expect(TimerQueue.take(second) != nil)
        #expect(TimerQueue.take(second) == nil)
        queue.cancel(second)
        #expect(queue.popDue(at: 10) == nil)
        #expect(queue.count == 0)
    }

    @Test("cancelled timers do not pile up")
    func sweeping() {
        var queue = TimerQueue()
        let kept = timer()
        queue.insert(kept, deadline: .distantFuture, wakeup: 5_000)
        for wakeup in 0..<10_000 {
            let timer = timer()
            queue.insert(timer, deadline: .distantFuture, wakeup: Int64(wakeup))
            queue.cancel(timer)
        }
        #expect(queue.count < 200)
        #expect(queue.popDue(at: 5_000)?.timer === kept)
    }
}

@Suite("Process clock")
struct ProcessClockTests {
    private let second: Int64 = 1_000_000_000

    @Test("a wall clock that went ahead is followed at the next anchoring")
    func ahead() {
        let clock = ProcessClock()
        clock.anchor(monotonic: 0, wall: 4_000_000_000 * second)
        #expect(clock.timestamp(atMonotonic: 60 * second).seconds == 4_000_000_060)
        clock.anchor(monotonic: 60 * second, wall: 4_000_003_600 * second)
        #expect(clock.timestamp(atMonotonic: 61 * second).seconds == 4_000_003_601)
    }

    @Test("a wall clock that went back is waited for at half speed, never by going back")
    func behind() {
        let clock = ProcessClock()
        clock.anchor(monotonic: 0, wall: 4_000_000_000 * second)
        clock.anchor(monotonic: 60 * second, wall: 4_000_000_000 * second)
        var last = Timestamp.distantPast
        for moment in 60...240 {
            let now = clock.timestamp(atMonotonic: Int64(moment) * second)
            #expect(now > last)
            last = now
        }
        // 60 s behind, regained within 120 s.
        #expect(clock.timestamp(atMonotonic: 180 * second).seconds == 4_000_000_120)
        #expect(clock.timestamp(atMonotonic: 240 * second).seconds == 4_000_000_180)
    }
}

@Suite("Socket activation")
struct ActivatedSocketsTests {
    @Test("descriptors are taken with their names")
    func named() {
        let environment = ["LISTEN_PID": "42", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "smtp:submission"]
        let sockets = ActivatedSockets(environment: environment, processID: 42).sockets
        #expect(sockets.map(\.descriptor) == [3, 4, 5])
        #expect(sockets.map(\.name) == ["smtp", "submission", ""])
    }

    @Test("those of another process, or of a number that makes no sense, are left alone", arguments: [
        ["LISTEN_PID": "41", "LISTEN_FDS": "1"], ["LISTEN_PID": "42", "LISTEN_FDS": "-1"],
        ["LISTEN_PID": "42", "LISTEN_FDS": "2147483647"], ["LISTEN_FDS": "1"], [:],
    ])
    func foreign(_ environment: [String: String]) {
        #expect(ActivatedSockets(environment: environment, processID: 42).sockets.isEmpty)
    }
}
