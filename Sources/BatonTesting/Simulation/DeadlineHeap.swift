import Ports

/// Timers by time, and by order of setting at the same time.
struct DeadlineHeap {
    final class Timer: @unchecked Sendable {
        let wakeUp: Timestamp
        let number: UInt64
        private var job: (() -> Void)?

        init(wakeUp: Timestamp, number: UInt64, job: @escaping () -> Void) {
            self.wakeUp = wakeUp
            self.number = number
            self.job = job
        }

        var isPending: Bool { job != nil }

        func cancel() { job = nil }

        func fire() {
            let fired = job
            job = nil
            fired?()
        }

    }

    /// A timer with what it is ordered by, so that comparing touches no object.
    private struct Entry {
        let wakeUp: Timestamp
        let number: UInt64
        let timer: Timer

        static func < (left: Entry, right: Entry) -> Bool {
            left.wakeUp != right.wakeUp ? left.wakeUp < right.wakeUp : left.number < right.number
        }
    }

    private var timers: [Entry] = []

    var isEmpty: Bool { timers.isEmpty }
    var firstWakeUp: Timestamp? { timers.first?.wakeUp }

    mutating func insert(_ timer: Timer) {
        var index = timers.count
        timers.append(Entry(wakeUp: timer.wakeUp, number: timer.number, timer: timer))
        while index > 0, timers[index] < timers[(index - 1) / 2] {
            timers.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    @discardableResult
    mutating func popFirst() -> Timer? {
        guard let last = timers.popLast() else { return nil }
        guard let first = timers.first?.timer else { return last.timer }
        timers[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < timers.count && timers[child] < timers[least] {
                least = child
            }
            guard least != index else { return first }
            timers.swapAt(index, least)
            index = least
        }
    }
}
