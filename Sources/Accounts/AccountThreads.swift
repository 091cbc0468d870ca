import Foundation

/// The threads that hash passwords and read the accounts, so that no loop has to wait for either.
final class AccountThreads: @unchecked Sendable {
    // All state is guarded by `condition`.
    private let condition = NSCondition()
    private var jobs: [@Sendable () -> Void] = []
    private var isEnding = false
    private var running = 0
    private let jobsMax: Int

    /// Starts `count` threads, for which up to `jobsMax` jobs can wait.
    init(count: Int, jobsMax: Int) {
        self.jobsMax = jobsMax
        for index in 0..<max(count, 1) {
            running += 1
            let thread = Thread { [self] in work() }
            thread.name = "accounts-\(index)"
            thread.start()
        }
    }

    /// Runs `job` soon; false when too much waits already.
    func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        condition.withLock {
            guard !isEnding, jobs.count < jobsMax else { return false }
            jobs.append(job)
            condition.signal()
            return true
        }
    }

    /// Drops what waits, and returns when what runs is done.
    func shutDown() {
        condition.withLock {
            isEnding = true
            jobs = []
            condition.broadcast()
            while running > 0 { condition.wait() }
        }
    }

    private func work() {
        while let job = next() { job() }
        condition.withLock {
            running -= 1
            condition.broadcast()
        }
    }

    private func next() -> (@Sendable () -> Void)? {
        condition.withLock {
            while jobs.isEmpty {
                if isEnding { return nil }
                condition.wait()
            }
            return jobs.removeFirst()
        }
    }
}
