import BatonTesting
import Glibc
import Ports
import Storage
import Synchronization
import Testing

@Suite("Disk faults")
struct DiskFaultTests {
    /// Fails the next `count` accesses of a kind.
    private final class Fuse: Sendable {
        private let left: Mutex<Int>
        private let access: SimulatedDisk.Access
        private let errno: Int32

        init(_ access: SimulatedDisk.Access, count: Int, errno: Int32) {
            self.access = access
            self.errno = errno
            left = Mutex(count)
        }

        var fault: SimulatedDisk.Fault {
            { [self] access, name in
                guard access == self.access, !name.hasPrefix("spare"), left.withLock({ $0 > 0 }) else { return nil }
                left.withLock { $0 -= 1 }
                return errno
            }
        }
    }

    private func harness(_ disk: SimulatedDisk = SimulatedDisk()) throws -> LogHarness {
        let harness = try LogHarness(disk)
        harness.accept(1)
        harness.finish(99)
        harness.loop.run()
        harness.loop.advance(by: .seconds(1))
        return harness
    }

    private func accept(_ key: UInt64, _ harness: LogHarness, size: Int = 1000) -> StorageError? {
        let box = Box<StorageError>()
        harness.accept(key, size: size) { if case .failure(let error) = $0 { box.value = error } }
        harness.loop.run()
        return box.value
    }

    @Test("A failed sync is answered with an error, outcomes are written again, and the log goes on in a new segment")
    func failedSync() throws {
        let harness = try harness()
        let first = try #require(harness.messages[1]?.position.segment)
        // An outcome that is written and complete, but not synced, when the sync fails.
        harness.finish(1)
        harness.loop.run()
        harness.disk.setFault(Fuse(.synchronize, count: 1, errno: EIO).fault)
        #expect(accept(2, harness) == .notStored(errno: EIO))
        #expect(accept(3, harness) == nil)
        #expect(harness.states.isEmpty)
        #expect(try #require(harness.messages[3]?.position.segment) > first)
        let again = try LogHarness(harness.disk.after(.losingEverything))
        #expect(again.messages.keys.sorted() == [3], "1 is done, and 2 was refused and lost with the power")
        // The process alone died: the refused message may be back, but whole.
        let other = try LogHarness(harness.disk.after(.keepingEverything))
        #expect(other.messages.keys.sorted() == [2, 3])
        #expect(try other.read(2)?.get().body == LogHarness.body(2, 1000))
        #expect(other.replayed.map(\.lsn) == other.replayed.map(\.lsn).sorted())
    }

    @Test("Chunks that were written before a failed sync are told to have moved")
    func failedSyncMovesChunks() throws {
        let harness = try harness()
        harness.log.append([LogHarness.draft(7, size: 30_000)], .unsynced, on: harness.loop) { [confined = LoopConfined(harness, to: harness.loop)] result in
            if case .success(let receipt) = result { confined.value.note(7, receipt.positions[0], size: 30_000) }
        }
        harness.loop.run()
        let before = try #require(harness.messages[7]?.position)
        harness.disk.setFault(Fuse(.synchronize, count: 1, errno: EIO).fault)
        #expect(accept(2, harness) == .notStored(errno: EIO))
        let after = try #require(harness.messages[7]?.position)
        #expect(after.segment != before.segment)
        #expect(harness.moves == 1)
        #expect(try harness.read(7)?.get().body == LogHarness.body(7, 30_000))
        let again = try LogHarness(harness.disk.after(.losingEverything))
        #expect(try again.read(7)?.get().body == LogHarness.body(7, 30_000))
    }

    @Test("A failed write is made good in a new segment, and nobody notices")
    func failedWrite() throws {
        let harness = try harness()
        harness.disk.setFault(Fuse(.write, count: 1, errno: EIO).fault)
        #expect(accept(2, harness) == nil)
        let again = try LogHarness(harness.disk.after(.losingEverything))
        #expect(again.messages.keys.sorted() == [1, 2])
    }

    @Test("A disk that goes on refusing fails the log; it works again when the disk does, with no outcome lost")
    func failingDisk() throws {
        let harness = try harness()
        harness.finish(1)
        harness.loop.run()
        harness.disk.setFault { access, _ in access == .synchronize || access == .write ? EIO : nil }
        guard case .notStored? = accept(2, harness) else {
            Issue.record("not refused")
            return
        }
        #expect(harness.states == [.failed])
        #expect(accept(3, harness) == .failed)
        #expect(harness.log.capacity.state == .failed)
        harness.loop.advance(by: .seconds(5))
        #expect(accept(4, harness) == .failed)
        harness.disk.setFault(nil)
        harness.loop.advance(by: .seconds(2))
        #expect(harness.states == [.failed, .open])
        #expect(accept(5, harness) == nil)
        let names = try harness.disk.root.list().filter { $0.name.hasPrefix("segment-") }
        #expect(names.count < 8, "trying again must not fill the disk: \(names.map(\.name))")
        let again = try LogHarness(harness.disk.after(.losingEverything))
        #expect(again.messages.keys.sorted() == [5])
    }

    @Test("On a full disk messages are refused, outcomes are still recorded, and with room it goes on")
    func fullDisk() throws {
        let disk = SimulatedDisk(capacity: 256 << 10)
        let harness = try LogHarness(disk)
        harness.checkpointsAreTaken = false
        var refused: StorageError?
        var key: UInt64 = 0
        while refused == nil, key < 1000 {
            key += 1
            refused = accept(key, harness)
        }
        #expect(refused == .noSpace)
        #expect(harness.states.last == .outOfSpace)
        #expect(harness.log.capacity.state == .outOfSpace)
        // As many as fit the reserve.
        for done in 1...20 as ClosedRange<UInt64> { harness.finish(done) }
        harness.loop.run()
        #expect(harness.messages[1] == nil && harness.messages[20] == nil)
        let last = try LogHarness(disk.after(.keepingEverything)).messages.keys.sorted()
        #expect(last == Array(21..<key))
        disk.setCapacity(10 << 20)
        harness.loop.advance(by: .seconds(2))
        #expect(accept(5000, harness) == nil)
        #expect(harness.states.last == .open)
    }

    @Test("After a start on a full disk outcomes are recorded in a small segment, and messages refused")
    func fullDiskAfterAStart() throws {
        let harness = try LogHarness(SimulatedDisk(), settings: Self.small())
        harness.checkpointsAreTaken = false
        for key in 1...300 as ClosedRange<UInt64> { #expect(accept(key, harness) == nil) }
        var disk = harness.disk.after(.keepingEverything)
        // What is free is less than a segment of 64 KiB.
        for spare in try disk.root.list() where spare.name.hasPrefix("spare-") { try disk.root.remove(spare.name) }
        disk.setCapacity(disk.state.usedBytes + (30 << 10))
        let full = try LogHarness(disk, settings: Self.small())
        full.checkpointsAreTaken = false
        while accept(UInt64(1000 + full.messages.count), full) == nil {}
        #expect(full.states.last == .outOfSpace)
        // Two segments of 4 KiB for them, a second apart.
        for group in [1...20, 21...40] as [ClosedRange<UInt64>] {
            for done in group { full.finish(done) }
            full.loop.advance(by: .seconds(2))
        }
        #expect(full.messages[1] == nil && full.messages[40] == nil && full.messages[41] != nil)
        #expect(accept(9000, full) == .noSpace, "a message took the room of outcomes")
        // It is a segment like the others at the next start, and with room it goes on.
        disk = disk.after(.losingEverything)
        let again = try LogHarness(disk, settings: Self.small())
        #expect(again.messages[1] == nil && again.messages[40] == nil && again.messages[41] != nil && again.report.damage == [])
        disk.setCapacity(.max)
        again.loop.advance(by: .seconds(2))
        #expect(accept(9001, again) == nil)
    }

    private static func small() -> LogSettings {
        var settings = LogHarness.settings()
        settings.spareSegments = 1
        settings.outcomeReserveBytes = 4096
        return settings
    }

    private func segments(_ disk: SimulatedDisk) throws -> [String] {
        try disk.root.list().map(\.name).filter { $0.hasPrefix("segment-") }
    }

    @Test("A log that failed stays failed when the disk also fills up, and goes on with what it kept")
    func failedAndFull() throws {
        let harness = try LogHarness(SimulatedDisk(), settings: Self.small())
        harness.checkpointsAreTaken = false
        harness.accept(1)
        harness.loop.run()
        harness.loop.advance(by: .seconds(1))
        // As much as only fits a segment of its own without the part that belongs to outcomes.
        for key in 10..<13 as Range<UInt64> {
            harness.log.append([LogHarness.draft(key, size: 19_600)], .unsynced, on: harness.loop) { [confined = LoopConfined(harness, to: harness.loop)] result in
                if case .success(let receipt) = result { confined.value.note(key, receipt.positions[0], size: 19_600) }
            }
        }
        harness.loop.run()
        harness.disk.setFault { access, _ in access == .synchronize ? EIO : access == .create || access == .allocate ? ENOSPC : nil }
        guard case .notStored? = accept(2, harness) else { Issue.record("not refused"); return }
        #expect(harness.states == [.failed])
        // Room for one segment, not for another.
        let used = harness.disk.state.usedBytes
        harness.disk.setFault(nil)
        harness.disk.setCapacity(used + (66 << 10))
        for _ in 0..<5 { harness.loop.advance(by: .seconds(1)) }
        #expect(!harness.states.contains(.outOfSpace))
        #expect(try segments(harness.disk).count <= 3, "trying again must not fill the disk")
        harness.disk.setCapacity(.max)
        for _ in 0..<3 { harness.loop.advance(by: .seconds(1)) }
        #expect(harness.states == [.failed, .open])
        #expect(accept(3, harness) == nil)
        let again = try LogHarness(harness.disk.after(.losingEverything))
        for key in 10..<13 as Range<UInt64> { #expect(try again.read(key)?.get().body == LogHarness.body(key, 19_600)) }
    }

    @Test("A log that failed writes what it kept when it is closed and the disk works again")
    func closingAfterFailing() throws {
        let harness = try harness()
        harness.finish(1)
        harness.loop.run()
        harness.disk.setFault { access, _ in access == .synchronize || access == .write ? EIO : nil }
        guard case .notStored? = accept(2, harness) else { Issue.record("not refused"); return }
        harness.disk.setFault(nil)
        harness.close()
        let again = try LogHarness(harness.disk.after(.losingEverything))
        #expect(again.messages[1] == nil, "an outcome was forgotten")
    }

    @Test("A segment that was ready is not forgotten when the one before it cannot be synced")
    func readySegmentIsKept() throws {
        let harness = try LogHarness(SimulatedDisk(), settings: Self.small())
        harness.checkpointsAreTaken = false
        harness.accept(1)
        harness.loop.run()
        harness.loop.advance(by: .seconds(1))
        #expect(try segments(harness.disk).count == 2)
        harness.log.append([LogHarness.draft(7, size: 50_000)], .unsynced, on: harness.loop) { _ in }
        harness.loop.run()
        // The next one does not fit: the segment is to be sealed, and its sync fails.
        harness.disk.setFault(Fuse(.synchronize, count: 1, errno: EIO).fault)
        _ = accept(2, harness, size: 30_000)
        for _ in 0..<3 { harness.loop.advance(by: .seconds(1)) }
        #expect(accept(3, harness) == nil)
        for _ in 0..<3 { harness.loop.advance(by: .seconds(1)) }
        let holding = Set(harness.messages.values.map(\.position.segment))
        // Those that hold something, one ready.
        #expect(try segments(harness.disk).count <= holding.count + 1)
    }

    @Test("What was written and not synced survives a failed sync and a second failure, wherever that comes", arguments: 1...12)
    func secondFailure(_ place: Int) throws {
        let harness = try LogHarness(SimulatedDisk(), settings: Self.small())
        harness.checkpointsAreTaken = false
        harness.accept(1)
        harness.loop.run()
        harness.loop.advance(by: .seconds(1))
        for key in 10..<13 as Range<UInt64> {
            harness.log.append([LogHarness.draft(key, size: 19_600)], .unsynced, on: harness.loop) { [confined = LoopConfined(harness, to: harness.loop)] result in
                if case .success(let receipt) = result { confined.value.note(key, receipt.positions[0], size: 19_600) }
            }
        }
        harness.loop.run()
        let count = Mutex(0)
        harness.disk.setFault { access, _ in
            guard access == .synchronize else { return nil }
            return count.withLock { count in
                count += 1
                return count == 1 || count == 1 + place ? EIO : nil
            }
        }
        _ = accept(2, harness)
        for _ in 0..<4 { harness.loop.advance(by: .seconds(1)) }
        harness.disk.setFault(nil)
        #expect(accept(3, harness) == nil)
        let again = try LogHarness(harness.disk.after(.losingEverything))
        #expect(again.messages[1] != nil && again.messages[3] != nil)
        for key in 10..<13 as Range<UInt64> { #expect(try again.read(key)?.get().body == LogHarness.body(key, 19_600)) }
    }

    @Test("What a start read from memory, after a sync had failed, is on the disk before it is acted on")
    func readFromMemory() throws {
        let harness = try harness()
        harness.disk.setFault(Fuse(.synchronize, count: 1, errno: EIO).fault)
        #expect(accept(2, harness) == .notStored(errno: EIO))
        // The process dies; the system still shows what it could not write, and takes it for written.
        harness.disk.setFault(nil)
        harness.disk.processDied()
        let second = try LogHarness(harness.disk)
        #expect(second.messages.keys.sorted() == [1, 2])
        let third = try LogHarness(second.disk.after(.losingEverything))
        #expect(third.messages.keys.sorted() == [1, 2], "what the second start acted on is gone")
    }

    @Test("A hole in a segment that the disk failed under is filled from the next one, at every start")
    func holeBeforeARepairedEnd() throws {
        let harness = try LogHarness(SimulatedDisk(), settings: Self.small())
        harness.checkpointsAreTaken = false
        harness.accept(1)
        harness.loop.run()
        harness.loop.advance(by: .seconds(1))
        for key in 10..<13 as Range<UInt64> {
            harness.log.append([LogHarness.draft(key, size: 2000)], .unsynced, on: harness.loop) { _ in }
            harness.loop.run()
        }
        harness.disk.setFault(Fuse(.write, count: 1, errno: EIO).fault)
        #expect(accept(2, harness) == nil)
        let unsynced = harness.disk.state.unsynced
        #expect(unsynced >= 3)
        // The power goes: of what was never synced in the abandoned segment, the first part is lost, the rest is there.
        var disk = harness.disk.after(.keeping(mask: ~1, window: unsynced))
        for start in 1...3 {
            let again = try LogHarness(disk)
            again.checkpointsAreTaken = false
            #expect(again.messages.keys.sorted() == [1, 2, 10, 11, 12], "start \(start)")
            for key in 10..<13 as Range<UInt64> { #expect(try again.read(key)?.get().body == LogHarness.body(key, 2000), "start \(start)") }
            disk = again.disk.after(.losingEverything)
        }
    }

    @Test("The room on the disk is looked up while the log is in use")
    func freeBytes() throws {
        let disk = SimulatedDisk(capacity: 10 << 20)
        let harness = try LogHarness(disk)
        disk.setCapacity(1 << 20)
        harness.loop.advance(by: .seconds(2))
        #expect(accept(1, harness) == nil)
        #expect(harness.log.capacity.freeBytes < 1 << 20)
    }
}
