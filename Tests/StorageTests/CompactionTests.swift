import BatonTesting
import Glibc
import Ports
import Storage
import Testing

@Suite("Compaction and history")
struct CompactionTests {
    private func harness(_ disk: SimulatedDisk = SimulatedDisk()) throws -> LogHarness {
        try LogHarness(disk, settings: CrashTests.settings)
    }

    private func names(_ disk: SimulatedDisk, _ prefix: String) throws -> [String] {
        try disk.root.list().map(\.name).filter { $0.hasPrefix(prefix) }
    }

    @Test("The spool stays small while mail passes, and what waits stays readable")
    func spoolStaysSmall() throws {
        let disk = SimulatedDisk()
        let harness = try harness(disk)
        var largest = 0
        for key in 1...1500 as ClosedRange<UInt64> {
            harness.accept(key, size: 700)
            // One of fifty stays.
            if key > 1, (key - 1) % 50 != 0 { harness.finish(key - 1) }
            harness.loop.run()
            if key % 20 == 0 {
                let archives = try disk.root.subdirectory("archive").list().reduce(0) { $0 + Int($1.bytes) }
                largest = max(largest, disk.state.usedBytes - archives)
            }
        }
        #expect(harness.messages.count == 30)
        #expect(harness.moves > 0)
        let live = harness.messages.values.reduce(0) { $0 + $1.bytes }
        // Segments are 32 KiB here: the slack of 128 KiB is for four of them, and three more are on their way.
        #expect(largest <= 2 * live + (128 << 10) + (160 << 10), "\(largest)")
        for key in harness.messages.keys { #expect(try harness.read(key)?.get().body == LogHarness.body(key, 700)) }
        let again = try self.harness(disk.after(.losingEverything))
        #expect(again.messages.keys.sorted() == harness.messages.keys.sorted())
        for key in again.messages.keys { #expect(try again.read(key)?.get().body == LogHarness.body(key, 700)) }
    }

    @Test("Passing mail goes through recycled segments: new ones are not written for it")
    func passingMailRecycles() throws {
        let disk = SimulatedDisk()
        let harness = try harness(disk)
        var numbers: [Int] = []
        for key in 1...600 as ClosedRange<UInt64> {
            harness.accept(key, size: 900)
            if key > 1 { harness.finish(key - 1) }
            harness.loop.run()
            if key % 100 == 0 { numbers.append(try names(disk, "segment-").count + names(disk, "spare-").count) }
        }
        #expect(numbers.allSatisfy { $0 <= CrashTests.settings.spareSegments + 4 }, "\(numbers)")
    }

    @Test("A segment without its archive stays, and goes when archiving works again")
    func archivingFails() throws {
        let disk = SimulatedDisk()
        let harness = try harness(disk)
        disk.setFault { _, name in name.contains("archive-") ? EIO : nil }
        for key in 1...300 as ClosedRange<UInt64> {
            harness.accept(key, size: 900)
            if key > 1 { harness.finish(key - 1) }
            harness.loop.run()
        }
        let kept = try names(disk, "segment-").count
        #expect(kept > 8, "all that is not archived is there")
        disk.setFault(nil)
        for key in 301...400 as ClosedRange<UInt64> {
            harness.accept(key, size: 900)
            harness.finish(key - 1)
            harness.loop.run()
        }
        #expect(try names(disk, "segment-").count < kept)
        #expect(try names(disk, "segment-").count <= CrashTests.settings.spareSegments + 4)
    }

    @Test("What has drained is freed without new mail")
    func draining() throws {
        let disk = SimulatedDisk()
        let harness = try harness(disk)
        for key in 1...600 as ClosedRange<UInt64> { harness.accept(key, size: 900) }
        harness.loop.run()
        #expect(try names(disk, "segment-").count > 15)
        for key in 1...600 as ClosedRange<UInt64> {
            harness.finish(key)
            harness.loop.run()
        }
        harness.loop.advance(by: .seconds(1))
        #expect(try names(disk, "segment-").count < 8)
        #expect(try names(disk, "spare-").count <= 4)
    }

    @Test("On a short disk the slack is given back")
    func shortDisk() throws {
        let disk = SimulatedDisk()
        var settings = CrashTests.settings
        settings.slackBytes = 1 << 30
        let harness = try LogHarness(disk, settings: settings)
        for key in 1...600 as ClosedRange<UInt64> { harness.accept(key, size: 900) }
        harness.loop.run()
        for key in 1...600 as ClosedRange<UInt64> where key % 40 != 0 {
            harness.finish(key)
            harness.loop.run()
        }
        harness.loop.advance(by: .seconds(1))
        #expect(try names(disk, "segment-").count > 15)
        harness.log.setDiskShort(true)
        for _ in 0..<5 { harness.loop.advance(by: .seconds(1)) }
        #expect(try names(disk, "segment-").count < 10)
        for key in harness.messages.keys { #expect(try harness.read(key)?.get().body == LogHarness.body(key, 900)) }
    }

    @Test("A position in a freed file reads as gone")
    func gone() throws {
        let harness = try harness()
        harness.accept(1)
        harness.loop.run()
        let position = try #require(harness.messages[1]?.position)
        for key in 2...300 as ClosedRange<UInt64> {
            harness.finish(key - 1)
            harness.accept(key)
            harness.loop.run()
        }
        #expect(throws: StorageError.gone) { try harness.read(position)?.get() }
    }

    @Test("A record that the owner names is kept, whatever was counted")
    func wrongCounts() throws {
        let harness = try harness()
        harness.accept(1)
        harness.loop.run()
        let (position, bytes) = try #require(harness.messages[1])
        harness.log.release(position, bytes: bytes)
        for key in 2...300 as ClosedRange<UInt64> {
            harness.accept(key)
            harness.loop.run()
            harness.finish(key)
            harness.loop.run()
        }
        #expect(try harness.read(1)?.get().body == LogHarness.body(1, 1000))
    }

    @Test("The history of a message is found in archives and segments, by its key and by address")
    func history() throws {
        let disk = SimulatedDisk()
        let harness = try harness(disk)
        for key in 1...400 as ClosedRange<UInt64> {
            harness.accept(key, size: 600)
            harness.loop.run()
            if key > 2 { harness.finish(key - 2) }
            harness.loop.run()
        }
        let archives = try disk.root.subdirectory("archive").list()
        #expect(archives.count > 4)
        func history(_ log: Log, _ key: UInt64) throws -> [LogRecord] {
            let box = Box<Result<[LogRecord], StorageError>>()
            log.reader.records(forMessage: key, on: harness.loop) { box.value = $0 }
            harness.loop.run()
            return try #require(box.value).get()
        }
        func messages(_ log: Log, _ hash: UInt64, _ limit: Int) throws -> [UInt64] {
            let box = Box<Result<[UInt64], StorageError>>()
            log.reader.messages(forAddressHash: hash, limit: limit, on: harness.loop) { box.value = $0 }
            harness.loop.run()
            return try #require(box.value).get()
        }
        for key in [1, 7, 200, 398, 400] as [UInt64] {
            let records = try history(harness.log, key)
            #expect(records.map(\.kind) == (key < 399 ? [1, 2] : [1]), "\(key)")
            #expect(records.first?.meta == Array("message \(key)".utf8))
            #expect(records.first?.position == nil || records.first?.body == LogHarness.body(key, 600))
        }
        #expect(try history(harness.log, 1).first?.body == [])
        #expect(try history(harness.log, 5000).isEmpty)
        #expect(try messages(harness.log, 3, 1000) == stride(from: 398, to: 0, by: -5).map { $0 })
        #expect(try messages(harness.log, 3, 4) == [398, 393, 388, 383])
        #expect(try messages(harness.log, 77, 4) == [])
    }

    @Test("Without its checkpoint the state is made anew from archives, copies and segments", arguments: [true, false])
    func rebuilding(isRemoved: Bool) throws {
        let disk = SimulatedDisk()
        let harness = try harness(disk)
        for key in 1...1000 as ClosedRange<UInt64> {
            harness.accept(key, size: 700)
            harness.loop.run()
            if key % 40 != 0 { harness.finish(key) }
            harness.loop.run()
        }
        #expect(harness.moves > 5)
        #expect(try disk.root.subdirectory("archive").list().count > 10)
        harness.close()
        for name in try names(disk, "checkpoint-") {
            if isRemoved {
                try disk.root.remove(name)
            } else {
                let file = try disk.root.open(name, for: .writing)
                let byte: [UInt8] = [0xff]
                try byte.withUnsafeBytes { try file.write(at: 140, $0, UnsafeRawBufferPointer(start: nil, count: 0)) }
            }
        }
        let again = try self.harness(disk)
        #expect(again.report.checkpoint == .zero)
        #expect(again.messages.keys.sorted() == stride(from: 40, through: 1000, by: 40).map { $0 })
        for key in again.messages.keys { #expect(try again.read(key)?.get().body == LogHarness.body(key, 700)) }
        #expect(again.replayed.map(\.lsn) == again.replayed.map(\.lsn).sorted())
        // And with a new checkpoint everything goes on.
        #expect(try again.checkpoint()?.get() != nil)
        again.close()
        #expect(try self.harness(disk).messages.keys.sorted() == again.messages.keys.sorted())
    }

    @Test("Archives are removed when their time is over")
    func retention() throws {
        let disk = SimulatedDisk()
        let harness = try harness(disk)
        func work(_ keys: ClosedRange<UInt64>) {
            for key in keys {
                harness.accept(key)
                harness.loop.run()
                harness.finish(key)
                harness.loop.run()
            }
        }
        work(1...200)
        let old = try disk.root.subdirectory("archive").list().map(\.name)
        #expect(!old.isEmpty)
        harness.loop.advance(by: .days(29))
        work(201...300)
        #expect(Set(try disk.root.subdirectory("archive").list().map(\.name)).isSuperset(of: old))
        harness.loop.advance(by: .days(2))
        work(301...400)
        let new = Set(try disk.root.subdirectory("archive").list().map(\.name))
        #expect(new.isDisjoint(with: old))
        #expect(!new.isEmpty)
    }

    @Test("A damaged archive hides nothing but itself")
    func damagedArchive() throws {
        let disk = SimulatedDisk()
        let harness = try harness(disk)
        for key in 1...300 as ClosedRange<UInt64> {
            harness.accept(key)
            harness.loop.run()
            harness.finish(key)
            harness.loop.run()
        }
        let directory = try disk.root.subdirectory("archive")
        let entry = try #require(try directory.list().first)
        let file = try directory.open(entry.name, for: .writing)
        let bytes = [UInt8](repeating: 0xff, count: Int(entry.bytes))
        for start in 0..<24 {
            try bytes.withUnsafeBytes { try file.write(at: UInt64(start * 97), UnsafeRawBufferPointer(rebasing: $0[..<40]), UnsafeRawBufferPointer(start: nil, count: 0)) }
            let box = Box<Result<[UInt64], StorageError>>()
            harness.log.reader.messages(forAddressHash: 1, limit: 1000, on: harness.loop) { box.value = $0 }
            harness.loop.run()
            #expect(try #require(box.value).get().contains(296))
        }
    }
}
