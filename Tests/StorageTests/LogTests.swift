import BatonTesting
import Glibc
import Ports
import Storage
import Testing

@Suite("Log")
struct LogTests {
    @Test("What is appended is read back, with its numbers in order")
    func roundTrip() throws {
        let harness = try LogHarness(SimulatedDisk())
        for key in 1...50 as ClosedRange<UInt64> { harness.accept(key, size: Int(key) * 100) }
        harness.loop.run()
        #expect(harness.messages.count == 50)
        for key in 1...50 as ClosedRange<UInt64> {
            let record = try #require(harness.read(key)).get()
            #expect(record.body == LogHarness.body(key, Int(key) * 100))
            #expect(record.meta == Array("message \(key)".utf8))
            #expect(record.messageKey == key)
            #expect(record.lsn.rawValue & 0xff_ffff_ffff == key)
        }
    }

    @Test("Bodies of every size around the limits of gathering", arguments: [0, 1, 15, 16, 17, 63, 64, 16_384, 16_385, 40_000, 59_000])
    func bodySizes(size: Int) throws {
        let disk = SimulatedDisk()
        let harness = try LogHarness(disk)
        harness.accept(1, size: size)
        harness.accept(2, size: 3)
        harness.loop.run()
        #expect(try harness.read(1)?.get().body == LogHarness.body(1, size))
        let again = try LogHarness(disk.after(.losingEverything))
        #expect(try again.read(1)?.get().body == LogHarness.body(1, size))
        #expect(try again.read(2)?.get().body == LogHarness.body(2, 3))
    }

    @Test("Appends that wait together share one sync")
    func batching() throws {
        let disk = SimulatedDisk()
        let harness = try LogHarness(disk)
        harness.accept(1)
        harness.loop.run()
        let before = disk.synchronizations
        for key in 2...40 as ClosedRange<UInt64> { harness.accept(key, size: 100) }
        harness.loop.run()
        #expect(disk.synchronizations == before + 1)
        #expect(harness.messages.count == 40)
    }

    @Test("An outcome is complete before it is synced, and synced within 100 ms")
    func outcomeSync() throws {
        let disk = SimulatedDisk()
        let harness = try LogHarness(disk)
        harness.accept(1)
        harness.loop.run()
        let before = disk.synchronizations
        harness.finish(1)
        harness.loop.run()
        #expect(harness.messages.isEmpty)
        #expect(disk.synchronizations == before)
        harness.loop.advance(by: .milliseconds(99))
        #expect(disk.synchronizations == before)
        harness.loop.advance(by: .milliseconds(2))
        #expect(disk.synchronizations == before + 1)
        #expect(try LogHarness(disk.after(.losingEverything)).messages.isEmpty)
    }

    @Test("A barrier completes when everything before it is synced")
    func barrier() throws {
        let disk = SimulatedDisk()
        let harness = try LogHarness(disk)
        let box = Box<AppendReceipt>()
        harness.log.append([LogHarness.done(9)], .unsynced, on: harness.loop) { _ in }
        harness.log.append([], .synced, on: harness.loop) { box.value = try? $0.get() }
        harness.loop.run()
        #expect(box.value?.lastLSN == harness.log.lastLSN)
        #expect(try LogHarness(disk.after(.losingEverything)).replayed.count == 1)
    }

    @Test("A group is replayed whole or not at all, in order")
    func groups() throws {
        let disk = SimulatedDisk()
        let harness = try LogHarness(disk)
        harness.log.append((1...20).map { LogHarness.draft($0, size: 50) }, .synced, on: harness.loop) { _ in }
        harness.loop.run()
        let again = try LogHarness(disk.after(.losingEverything))
        #expect(again.replayed.map(\.messageKey) == Array(1...20))
        #expect(again.report.damage.isEmpty)
    }

    @Test("More than the limit of waiting bytes is refused at once")
    func full() throws {
        var settings = LogHarness.settings()
        settings.maxPendingBytes = 10_000
        let harness = try LogHarness(SimulatedDisk(), settings: settings)
        let box = Box<StorageError>()
        for key in 1...9 as ClosedRange<UInt64> { harness.accept(key, size: 1000) }
        harness.accept(10, size: 1000) { if case .failure(let error) = $0 { box.value = error } }
        #expect(box.value == nil, "not within the call")
        harness.loop.run()
        #expect(box.value == .full)
        #expect(harness.messages.count == 9)
    }

    @Test("A group larger than a segment is refused")
    func tooLarge() throws {
        let harness = try LogHarness(SimulatedDisk())
        let box = Box<StorageError>()
        harness.accept(1, size: 64 << 10) { if case .failure(let error) = $0 { box.value = error } }
        harness.loop.run()
        #expect(box.value == .tooLarge)
    }

    @Test("A closed log refuses, and another may have the spool")
    func close() throws {
        let disk = SimulatedDisk()
        let harness = try LogHarness(disk)
        #expect(throws: LogOpenError.locked) { try LogHarness(disk) }
        harness.accept(1)
        harness.close()
        let box = Box<StorageError>()
        harness.accept(2) { if case .failure(let error) = $0 { box.value = error } }
        harness.loop.run()
        #expect(box.value == .closed)
        let next = try LogHarness(disk)
        #expect(next.log.incarnation == harness.log.incarnation + 1)
        #expect(next.messages.keys.sorted() == [1])
    }

    @Test("Incarnations and numbers grow with every open, whatever is lost")
    func incarnations() throws {
        var disk = SimulatedDisk()
        var last = LSN.zero
        for round in 1...10 as ClosedRange<UInt64> {
            let harness = try LogHarness(disk)
            #expect(harness.log.incarnation == UInt32(round))
            let box = Box<AppendReceipt>()
            harness.accept(round) { box.value = try? $0.get() }
            harness.finish(round + 1000)
            harness.loop.run()
            let first = try #require(box.value?.firstLSN)
            #expect(first > last)
            last = harness.log.lastLSN
            disk = disk.after(round % 2 == 0 ? .losingEverything : .random(seed: round))
        }
    }
}
