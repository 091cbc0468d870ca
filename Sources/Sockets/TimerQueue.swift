import Ports

/// The timers of one loop, soonest first: a binary heap in which a cancelled timer stays until its turn.
///
/// Sessions arm and cancel timers far more often than timers fire, so both must be cheap: cancelling
/// only empties the timer, and the heap is cleared of empty ones when they are the majority.
struct TimerQueue {
    /// One scheduled job; `job` is nil once it ran or was cancelled.
    final class Timer {
        fileprivate(set) var job: (@Sendable () -> Void)?
        init(_ job: @escaping @Sendable () -> Void) { self.job = job }
    }

    /// A job that is due, to be run by the caller.
    struct Due {
        let deadline: Timestamp
        let timer: Timer
    }

    private struct Entry {
        /// Reading of the monotonic clock at which to look at the timer.
        var wakeup: Int64
        var sequence: UInt64
        var deadline: Timestamp
        var timer: Timer
        func isBefore(_ other: Entry) -> Bool {
            wakeup != other.wakeup ? wakeup < other.wakeup : sequence < other.sequence
        }
    }

    private var heap: [Entry] = []
    private var cancelled = 0
    private var sequence: UInt64 = 0

    /// When the first timer is due on the monotonic clock; nil when none is waiting.
    var nextWakeup: Int64? { heap.first?.wakeup }

    /// Number of timers held, cancelled ones included.
    var count: Int { heap.count }

    /// Adds `timer`, to be looked at when the monotonic clock shows `wakeup`.
    mutating func insert(_ timer: Timer, deadline: Timestamp, wakeup: Int64) {
        sequence &+= 1
        heap.append(Entry(wakeup: wakeup, sequence: sequence, deadline: deadline, timer: timer))
        siftUp(heap.count - 1)
    }

    /// Calls `timer` off; harmless when it ran or was cancelled before.
    mutating func cancel(_ timer: Timer) {
        guard timer.job != nil else { return }
        timer.job = nil
        cancelled += 1
        if cancelled > 64, cancelled > heap.count / 2 { sweep() }
    }

    /// Takes the job out of `timer`, so that it can run at most once.
    static func take(_ timer: Timer) -> (@Sendable () -> Void)? {
        defer { timer.job = nil }
        return timer.job
    }

    /// Removes and returns the first live timer that is due when the monotonic clock shows `monotonic`.
    mutating func popDue(at monotonic: Int64) -> Due? {
        while let first = heap.first, first.wakeup <= monotonic || first.timer.job == nil {
            removeFirst()
            guard first.timer.job != nil else { cancelled -= 1; continue }
            return Due(deadline: first.deadline, timer: first.timer)
        }
        return nil
    }

    private mutating func sweep() {
        heap.removeAll { $0.timer.job == nil }
        cancelled = 0
        // A sorted array is a heap.
        heap.sort { $0.isBefore($1) }
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].isBefore(heap[parent]) else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
