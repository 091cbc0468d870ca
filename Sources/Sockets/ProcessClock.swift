import Glibc
import Ports
import Synchronization

/// The clock of the process: wall time that follows the monotonic clock and never runs backwards.
///
/// Between two calls of `anchor()` it advances exactly as the monotonic clock does. When it is
/// anchored anew, a wall clock that went ahead is followed at once; one that went back is waited
/// for at half speed. Reading takes no lock and may be done on any thread.
public final class ProcessClock: Sendable {
    /// The three numbers below are one value; an odd count means that they are being changed.
    private let version = Atomic<UInt32>(0)
    private let monotonicBase = Atomic<Int64>(0)
    private let wallBase = Atomic<Int64>(0)
    /// By how much the wall clock was behind this clock at the last anchoring.
    private let lead = Atomic<Int64>(0)
    private let anchoring = Mutex(())

    /// A clock that shows the wall time of now.
    public init() {
        monotonicBase.store(ProcessClock.read(CLOCK_MONOTONIC), ordering: .relaxed)
        wallBase.store(ProcessClock.read(CLOCK_REALTIME), ordering: .relaxed)
    }

    /// The time.
    public var now: Timestamp { timestamp(atMonotonic: ProcessClock.monotonic) }

    /// Nanoseconds of the monotonic clock, from an arbitrary start.
    static var monotonic: Int64 { read(CLOCK_MONOTONIC) }

    /// Compares with the wall clock and corrects this clock; to be called about once a minute.
    public func anchor() { anchor(monotonic: ProcessClock.monotonic, wall: ProcessClock.read(CLOCK_REALTIME)) }

    /// `anchor()` with given readings of both clocks.
    func anchor(monotonic: Int64, wall: Int64) {
        anchoring.withLock { _ in
            let shown = timestamp(atMonotonic: monotonic).nanoseconds
            version.add(1, ordering: .acquiring)
            atomicMemoryFence(ordering: .releasing)
            monotonicBase.store(monotonic, ordering: .relaxed)
            wallBase.store(max(shown, wall), ordering: .relaxed)
            lead.store(max(0, shown &- wall), ordering: .relaxed)
            version.add(1, ordering: .releasing)
        }
    }

    /// The time that this clock shows when the monotonic clock shows `monotonic`.
    func timestamp(atMonotonic monotonic: Int64) -> Timestamp {
        while true {
            let before = version.load(ordering: .acquiring)
            let base = monotonicBase.load(ordering: .relaxed)
            let wall = wallBase.load(ordering: .relaxed)
            let lead = lead.load(ordering: .relaxed)
            atomicMemoryFence(ordering: .acquiring)
            guard before & 1 == 0, version.load(ordering: .relaxed) == before else { continue }
            let elapsed = max(0, monotonic &- base)
            return Timestamp(nanoseconds: wall &+ elapsed &- min(lead, elapsed / 2))
        }
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
