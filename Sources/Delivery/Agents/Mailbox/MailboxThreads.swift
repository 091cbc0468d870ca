import Glibc

/// A few threads for the blocking work of mailboxes: several, since a file system syncs many files at little more than the cost of one.
public final class MailboxThreads: MailboxExecutor, @unchecked Sendable {
    // All state is guarded by `mutex`.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let workArrived = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [@Sendable () -> Void] = []
    private var taken = 0
    private var isEnding = false
    private var threads: [pthread_t] = []

    /// Starts up to `count` threads; nil when the system gives none.
    public init?(count: Int = 4) {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(workArrived, nil)
        for _ in 0..<max(count, 1) {
            var thread = pthread_t()
            let own = Unmanaged.passRetained(self)
            let code = pthread_create(&thread, nil, { opaque in
                if let opaque { Unmanaged<MailboxThreads>.fromOpaque(opaque).takeRetainedValue().work() }
                return nil
            }, own.toOpaque())
            if code == 0 { threads.append(thread) } else { own.release() }
        }
        if threads.isEmpty { return nil }
    }

    deinit {
        pthread_cond_destroy(workArrived)
        pthread_mutex_destroy(mutex)
        workArrived.deallocate()
        mutex.deallocate()
    }

    public func submit(_ job: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(mutex)
        jobs.append(job)
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(workArrived)
    }

    public func shutdown() {
        pthread_mutex_lock(mutex)
        isEnding = true
        let threads = threads
        self.threads = []
        pthread_mutex_unlock(mutex)
        pthread_cond_broadcast(workArrived)
        for thread in threads { pthread_join(thread, nil) }
    }

    private func work() {
        while let job = next() { job() }
    }

    /// The next job, waited for; nil when the end has come.
    private func next() -> (@Sendable () -> Void)? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while taken == jobs.count {
            if isEnding { return nil }
            pthread_cond_wait(workArrived, mutex)
        }
        let job = jobs[taken]
        taken += 1
        if taken == jobs.count {
            jobs.removeAll(keepingCapacity: taken < 1024)
            taken = 0
        } else if taken >= 1024, taken * 2 >= jobs.count {
            jobs.removeFirst(taken)
            taken = 0
        }
        return job
    }
}
