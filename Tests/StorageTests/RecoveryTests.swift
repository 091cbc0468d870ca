import BatonTesting
import Glibc
import Ports
@testable import Storage
import Testing

@Suite("Recovery")
struct RecoveryTests {
    /// A disk with a log of small messages, closed or not, and the name of its first segment.
    private func disk(messages: ClosedRange<UInt64>, size: Int = 300) throws -> (disk: SimulatedDisk, segment: String) {
        let disk = SimulatedDisk()
        let harness = try LogHarness(disk)
        for key in messages {
            harness.accept(key, size: size)
            harness.loop.run()
        }
        let number = try #require(harness.messages[messages.lowerBound]?.position.segment)
        return (disk, "segment-" + String(String(UInt64(number) + 0x1_0000_0000, radix: 16).dropFirst()))
    }

    private func overwrite(_ disk: SimulatedDisk, _ name: String, at offset: Int, _ change: (inout [UInt8]) -> Void, count: Int) throws {
        let file = try disk.root.open(name, for: .writing)
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { _ = try file.read(at: UInt64(offset), into: $0) }
        change(&bytes)
        try bytes.withUnsafeBytes { try file.write(at: UInt64(offset), $0, UnsafeRawBufferPointer(start: nil, count: 0)) }
        try file.synchronize()
    }

    private func quarantined(_ disk: SimulatedDisk) throws -> [String] {
        try disk.root.subdirectory("quarantine").list().map(\.name)
    }

    @Test("A log cut off at each byte of its last record has all the others")
    func tornTail() throws {
        let (disk, name) = try disk(messages: 1...3, size: 200)
        let state = disk.state
        let record = LogHarness.draft(3, size: 200).storedBytes
        let start = 4096 + 2 * record
        for cut in 0..<record {
            let torn = SimulatedDisk(state)
            try overwrite(torn, name, at: start + cut, { for index in $0.indices { $0[index] = 0 } }, count: record - cut)
            let harness = try LogHarness(torn)
            // What follows the body is padding, and losing zeros loses nothing.
            let isWhole = harness.messages[3] != nil
            #expect(harness.messages.keys.sorted() == (isWhole ? [1, 2, 3] : [1, 2]), "cut at \(cut)")
            if isWhole { #expect(try harness.read(3)?.get().body == LogHarness.body(3, 200)) }
            #expect(harness.report.damage.isEmpty)
            #expect(!isWhole || cut > 48 + 8 + 9 + 190)
            // The repair holds: what was torn does not come back at the next start.
            harness.executor.crash()
            #expect(try LogHarness(torn.after(.losingEverything)).messages.keys.sorted() == (isWhole ? [1, 2, 3] : [1, 2]))
        }
    }

    @Test("A group that is cut off at each byte is gone whole")
    func tornGroup() throws {
        let disk = SimulatedDisk()
        let harness = try LogHarness(disk)
        harness.accept(1, size: 100)
        harness.loop.run()
        harness.acceptGroup([2, 3, 4], size: 60) { _ in }
        harness.loop.run()
        let last = try #require(harness.messages[4]?.position)
        let state = disk.state
        let record = LogHarness.draft(2, size: 60).storedBytes
        let end = Int(last.offset) * 64 + record
        for cut in stride(from: 1, through: 3 * record, by: 3) {
            let torn = SimulatedDisk(state)
            try overwrite(torn, "segment-00000002", at: end - cut, { for index in $0.indices { $0[index] = 0 } }, count: cut)
            let again = try LogHarness(torn)
            #expect(again.messages.count == 1 || (again.messages.count == 4 && cut < 64), "cut \(cut)")
            again.executor.crash()
            #expect(try LogHarness(torn.after(.losingEverything)).messages.count == again.messages.count)
        }
    }

    @Test("A flipped bit costs one record, and a copy of it is kept")
    func bitFlips() throws {
        let (disk, name) = try disk(messages: 1...3, size: 200)
        let state = disk.state
        let record = LogHarness.draft(2, size: 200).storedBytes
        let start = 4096 + record
        for bit in stride(from: 0, to: (48 + 8 + 9 + 200) * 8, by: 7) {
            let flipped = SimulatedDisk(state)
            try overwrite(flipped, name, at: start + bit / 8, { $0[0] ^= 1 << UInt8(bit % 8) }, count: 1)
            let harness = try LogHarness(flipped)
            #expect(harness.messages.keys.sorted() == [1, 3], "bit \(bit)")
            #expect(harness.report.damage.count == 1)
            #expect(try quarantined(flipped) == ["\(name)-\(start)"])
            harness.executor.crash()
            let again = try LogHarness(flipped.after(.losingEverything))
            #expect(again.messages.keys.sorted() == [1, 3])
        }
    }

    @Test("A flipped bit in the body of a sealed segment is found when the body is read")
    func bitFlipInSealedSegment() throws {
        let (disk, name) = try disk(messages: 1...3, size: 200)
        try LogHarness(disk.after(.keepingEverything)).executor.crash()
        let sealed = disk.after(.keepingEverything)
        try LogHarness(sealed).executor.crash()
        let next = sealed.after(.keepingEverything)
        try overwrite(next, name, at: 4096 + 100, { $0[0] ^= 1 }, count: 1)
        let harness = try LogHarness(next)
        let position = try #require(harness.messages[1]?.position)
        #expect(throws: StorageError.damaged(position)) { try harness.read(1)?.get() }
        #expect(try quarantined(next) == ["\(name)-4096"])
        #expect(try harness.read(2)?.get().body == LogHarness.body(2, 200))
    }

    @Test("A segment whose header is lost is found by its records", arguments: [[0], [2048], [0, 2048]])
    func lostHeader(copies: [Int]) throws {
        let (disk, name) = try disk(messages: 1...3)
        for copy in copies { try overwrite(disk, name, at: copy, { for index in $0.indices { $0[index] = 0xff } }, count: 128) }
        let harness = try LogHarness(disk.after(.losingEverything))
        #expect(harness.messages.keys.sorted() == [1, 2, 3])
        #expect(harness.report.damage.isEmpty == (copies.count == 1))
    }

    @Test("A segment with records is no spare, even if its header says that it waits for the first one")
    func headerOfASpare() throws {
        let (disk, name) = try disk(messages: 1...3)
        for copy in [0, 2048] {
            try overwrite(disk, name, at: copy, { bytes in
                guard case .valid(var header) = FileHeader.read(Array(bytes)) else { return }
                (header.firstLSN, header.lastLSN, header.end) = (.zero, .zero, 0)
                bytes = header.encoded
            }, count: 128)
        }
        let harness = try LogHarness(disk.after(.losingEverything))
        #expect(harness.messages.keys.sorted() == [1, 2, 3])
        #expect(harness.report.damage == ["\(name) has lost its header"])
    }

    @Test("A lost identity is taken from the segments")
    func lostIdentity() throws {
        let (disk, _) = try disk(messages: 1...3)
        try overwrite(disk, "identity", at: 0, { $0[20] ^= 1 }, count: 128)
        let harness = try LogHarness(disk.after(.losingEverything))
        #expect(harness.messages.keys.sorted() == [1, 2, 3])
        #expect(harness.log.incarnation == 2)
    }

    @Test("Records of a file's earlier life never verify")
    func staleRecords() throws {
        var disk = SimulatedDisk()
        let settings = LogHarness.settings(segmentBytes: 16 << 10)
        let harness = try LogHarness(disk, settings: settings)
        // The same records again and again, at the same offsets of files that are recycled.
        for key in 1...200 as ClosedRange<UInt64> {
            harness.accept(key, size: 900)
            harness.loop.run()
            if key > 1 { harness.finish(key - 1) }
            harness.loop.run()
        }
        #expect(harness.checkpointsDue > 3)
        let segments = try disk.root.list().filter { $0.name.hasPrefix("segment-") || $0.name.hasPrefix("spare-") }
        #expect(segments.count < 14, "segments must be recycled: \(segments.map(\.name))")
        disk = disk.after(.keepingEverything)
        let again = try LogHarness(disk, settings: settings)
        #expect(again.messages.keys.sorted() == [200])
        #expect(again.report.damage.isEmpty)
        #expect(again.replayed.map(\.lsn) == again.replayed.map(\.lsn).sorted())
    }

    @Test("A checkpoint and the records after it give the state back; without a checkpoint, all records do")
    func checkpointAndReplay() throws {
        let disk = SimulatedDisk()
        let harness = try LogHarness(disk)
        for key in 1...10 as ClosedRange<UInt64> { harness.accept(key) }
        harness.loop.run()
        #expect(try harness.checkpoint()?.get() != nil)
        harness.finish(3)
        harness.accept(11)
        harness.loop.run()
        let after = disk.after(.losingEverything)
        let again = try LogHarness(after)
        #expect(again.messages.keys.sorted() == [1, 2, 4, 5, 6, 7, 8, 9, 10, 11])
        #expect(again.report.checkpoint.rawValue & 0xff == 10)
        #expect(again.replayed.map(\.messageKey) == [3, 11])
        let checkpoint = try #require(try after.root.list().first { $0.name.hasPrefix("checkpoint-") })
        again.executor.crash()
        let damaged = after.after(.losingEverything)
        try overwrite(damaged, checkpoint.name, at: 150, { $0[0] ^= 4 }, count: 1)
        let third = try LogHarness(damaged)
        #expect(third.messages.keys.sorted() == [1, 2, 4, 5, 6, 7, 8, 9, 10, 11])
        #expect(third.report.checkpoint == .zero)
        #expect(third.report.damage.count == 1)
        #expect(try quarantined(damaged) == ["\(checkpoint.name)-0"])
    }

    @Test("A critical record of an unknown kind stops the start and names the release; another is skipped")
    func unknownKinds() throws {
        let disk = SimulatedDisk()
        var settings = LogHarness.settings()
        settings.release = "baton 9.5"
        let harness = try LogHarness(disk, settings: settings, knows: { _, _ in true })
        harness.accept(1)
        harness.log.append([RecordDraft(kind: 200, version: 3, isCritical: false, meta: [1])], .synced, on: harness.loop) { _ in }
        harness.accept(2)
        harness.loop.run()
        let again = try LogHarness(disk.after(.losingEverything))
        #expect(again.report.skipped == 1)
        #expect(again.messages.keys.sorted() == [1, 2])
        harness.log.append([RecordDraft(kind: 201, version: 7, isCritical: true, meta: [1])], .synced, on: harness.loop) { _ in }
        harness.loop.run()
        let error = #expect(throws: LogOpenError.self) { try LogHarness(disk.after(.losingEverything)) }
        #expect(error?.description.hasSuffix("kind 201 version 7: at least baton 9.5 is needed") == true)
    }
}
