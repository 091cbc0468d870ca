import Glibc
import Ports

/// Runs each lane on a thread of its own.
public final class ThreadedStorageExecutor: StorageExecutor {
    private let lanes: [LaneThread]
    private let clock: @Sendable () -> Timestamp

    /// Starts the threads; `clock` tells the time and is called from all of them.
    public init(clock: @escaping @Sendable () -> Timestamp) {
        self.clock = clock
        lanes = StorageLane.allCases.map { _ in LaneThread() }
    }

    public var now: Timestamp { clock() }

    public func submit(to lane: StorageLane, _ job: @escaping @Sendable () -> Void) {
        lanes[lane.rawValue].submit(job)
    }

    public func submit(to lane: StorageLane, after delay: Duration, _ job: @escaping @Sendable () -> Void) {
        lanes[lane.rawValue].submit(job, after: delay)
    }

    /// Must not be called on a lane.
    public func shutdown() {
        for lane in lanes { lane.end() }
    }
}

/// A thread that runs jobs in order.
///
/// Unchecked: all mutable state is touched with the mutex held only.
private final class LaneThread: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [@Sendable () -> Void] = []
    private var delayed: [(due: UInt64, job: @Sendable () -> Void)] = []
    private var isEnding = false
    private var isWaiting = false
    private var thread: pthread_t?

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(wake, &attributes)
        pthread_condattr_destroy(&attributes)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let result = pthread_create(&thread, nil, { context in
            if let context { Unmanaged<LaneThread>.fromOpaque(context).takeRetainedValue().run() }
            return nil
        }, context.toOpaque())
        precondition(result == 0, "no thread for the log")
        self.thread = thread
    }

    deinit {
        pthread_cond_destroy(wake)
        pthread_mutex_destroy(mutex)
        wake.deallocate()
        mutex.deallocate()
    }

    func submit(_ job: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(mutex)
        jobs.append(job)
        let mustWake = isWaiting
        pthread_mutex_unlock(mutex)
        if mustWake { pthread_cond_signal(wake) }
    }

    func submit(_ job: @escaping @Sendable () -> Void, after delay: Duration) {
        let due = LaneThread.monotonic() &+ UInt64(clamping: delay.clampedNanoseconds)
        pthread_mutex_lock(mutex)
        delayed.append((due, job))
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(wake)
    }

    func end() {
        pthread_mutex_lock(mutex)
        isEnding = true
        let thread = self.thread
        self.thread = nil
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(wake)
        if let thread { pthread_join(thread, nil) }
    }

    private func run() {
        while let batch = next() {
            for job in batch { job() }
        }
    }

    /// The jobs that are due, waiting for the first; nil at the end.
    private func next() -> [@Sendable () -> Void]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            var batch: [@Sendable () -> Void] = []
            swap(&batch, &jobs)
            if !delayed.isEmpty, !isEnding {
                let now = LaneThread.monotonic()
                let due = delayed.filter { $0.due <= now }.sorted { $0.due < $1.due }
                if !due.isEmpty {
                    delayed.removeAll { $0.due <= now }
                    batch += due.map(\.job)
                }
            }
            if !batch.isEmpty { return batch }
            if isEnding { return nil }
            isWaiting = true
            if let first = delayed.map(\.due).min() {
                var until = timespec(tv_sec: Int(first / 1_000_000_000), tv_nsec: Int(first % 1_000_000_000))
                pthread_cond_timedwait(wake, mutex, &until)
            } else {
                pthread_cond_wait(wake, mutex)
            }
            isWaiting = false
        }
    }

    private static func monotonic() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec)
    }
}
