import BatonTesting
import Glibc
import Ports
import Storage
import Testing

@Suite("Log formats")
struct FormatTests {
    private static let fixtures = "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/Fixtures/log"

    private static var settings: LogSettings {
        var settings = LogHarness.settings(segmentBytes: 16 << 10)
        settings.checkpointBytes = 16 << 10
        settings.slackBytes = 32 << 10
        return settings
    }

    /// Messages that the fixture's log keeps, with the sizes of their bodies.
    private static func isKept(_ key: UInt64) -> Bool { key % 8 == 0 || key > 38 }
    private static func size(_ key: UInt64) -> Int { Int(key * 53 % 700) }

    /// The files of a directory as a simulated disk.
    private func load(_ path: String) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let outer = try POSIXFileLayer(path: path)
        for (from, to) in [(outer as any FileLayer, disk.root), (try outer.subdirectory("archive"), try disk.root.subdirectory("archive"))] {
            for entry in try from.list() where entry.isRegular {
                let source = try from.open(entry.name, for: .reading)
                let target = try to.create(entry.name)
                var bytes = [UInt8](repeating: 0, count: Int(entry.bytes))
                _ = try bytes.withUnsafeMutableBytes { try source.read(at: 0, into: $0) }
                try bytes.withUnsafeBytes { try target.write(at: 0, $0, UnsafeRawBufferPointer(start: nil, count: 0)) }
                try target.synchronize()
            }
            try to.synchronizeNames()
        }
        return disk
    }

    @Test("A log of format 1 is read: state, bodies and history")
    func formatOne() throws {
        let disk = try load("\(FormatTests.fixtures)/format-1")
        let harness = try LogHarness(disk, settings: FormatTests.settings)
        #expect(harness.report.damage.isEmpty)
        #expect(harness.report.checkpoint > .zero)
        #expect(harness.messages.keys.sorted() == (1...40).filter { FormatTests.isKept($0) })
        for key in harness.messages.keys { #expect(try harness.read(key)?.get().body == LogHarness.body(key, FormatTests.size(key))) }
        let history = Box<[LogRecord]>()
        harness.log.reader.records(forMessage: 3, on: harness.loop) { history.value = try? $0.get() }
        harness.loop.run()
        #expect(history.value?.map(\.kind) == [1, 2])
        #expect(history.value?.first?.position == nil, "from an archive")
        let found = Box<[UInt64]>()
        harness.log.reader.messages(forAddressHash: 3, limit: 100, on: harness.loop) { found.value = try? $0.get() }
        harness.loop.run()
        #expect(found.value == [38, 33, 28, 23, 18, 13, 8, 3])
        harness.accept(100)
        harness.loop.run()
        #expect(try harness.read(100)?.get().body == LogHarness.body(100, 1000))
    }

    @Test("A file of a later format stops the start, and its release is named", arguments: ["segment-", "checkpoint-", "identity"])
    func laterFormat(prefix: String) throws {
        let disk = try load("\(FormatTests.fixtures)/format-1")
        let name = try #require(try disk.root.list().map(\.name).filter { $0.hasPrefix(prefix) }.max())
        let file = try disk.root.open(name, for: .writing)
        let header = FormatTests.header(format: 2, release: "baton 7.0")
        for offset in [0, 2048] where offset < (try file.size()) {
            try header.withUnsafeBytes { try file.write(at: UInt64(offset), $0, UnsafeRawBufferPointer(start: nil, count: 0)) }
        }
        let error = #expect(throws: LogOpenError.self) { try LogHarness(disk, settings: FormatTests.settings) }
        #expect(error == .formatTooNew(file: name, format: 2, supported: 1, writtenBy: "baton 7.0"))
        #expect(error?.description.contains("at least baton 7.0 is needed") == true)
    }

    /// A header as a later release might write it: only the first 16 bytes and the release are fixed.
    private static func header(format: UInt8, release: String) -> [UInt8] {
        var bytes = Array("BatonLog".utf8) + [format, 0, 1, 0, 0, 0, 0, 0] + [UInt8](repeating: 0xaa, count: 64)
        bytes += Array(release.utf8) + [UInt8](repeating: 0, count: 48 - release.utf8.count)
        sign(&bytes)
        return bytes
    }

    /// Puts the right sum into the header at the start of `bytes`.
    private static func sign(_ bytes: inout [UInt8]) {
        // CRC32C, bit by bit: the test must not share the code that it tests.
        var crc: UInt32 = ~0
        for byte in bytes[..<12] + bytes[16..<128] {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82f6_3b78 : 0) }
        }
        for index in 0..<4 { bytes[12 + index] = UInt8(truncatingIfNeeded: ~crc >> UInt32(8 * index)) }
    }

    @Test("No garbage in the spool's files stops the start or the reading", arguments: 1...150 as ClosedRange<UInt64>)
    func garbage(seed: UInt64) throws {
        let random = TestRandom(seed: seed &* 0x9e37_79b9_7f4a_7c15)
        let disk = try load("\(FormatTests.fixtures)/format-1")
        for (directory, prefix) in [(disk.root, "segment"), (disk.root, "bodies"), (disk.root, "checkpoint"), (disk.root, "identity"),
                                    (try disk.root.subdirectory("archive"), "archive")] {
            for entry in try directory.list() where entry.name.hasPrefix(prefix) && random.next(below: 3) == 0 {
                let file = try directory.open(entry.name, for: .writing)
                var bytes = [UInt8](repeating: 0, count: Int(entry.bytes))
                _ = try bytes.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
                for _ in 0...random.next(below: 20) {
                    let byte = [0, 0xff, UInt8(truncatingIfNeeded: random.next())][Int(random.next(below: 3))]
                    // Half of the changes go into the header, which is then made to look right.
                    let range = random.next() & 1 == 0 ? 24..<80 : 0..<bytes.count
                    let start = range.lowerBound + Int(random.next(below: UInt64(range.count)))
                    for index in start..<min(start + 1 + Int(random.next(below: 9)), bytes.count) { bytes[index] = byte }
                }
                FormatTests.sign(&bytes)
                if prefix == "segment", random.next() & 1 == 0 { bytes.replaceSubrange(2048..<2176, with: bytes[..<128]) }
                try bytes.withUnsafeBytes { try file.write(at: 0, $0, UnsafeRawBufferPointer(start: nil, count: 0)) }
            }
        }
        do {
            let harness = try LogHarness(disk, settings: FormatTests.settings)
            for key in harness.messages.keys { _ = harness.read(key) }
            let found = Box<[UInt64]>()
            harness.log.reader.messages(forAddressHash: 3, limit: 100, on: harness.loop) { found.value = try? $0.get() }
            harness.log.reader.records(forMessage: 3, on: harness.loop) { _ in }
            harness.accept(100)
            harness.loop.run()
            #expect(try harness.read(100)?.get().body == LogHarness.body(100, 1000))
        } catch let error as LogOpenError {
            // A number that is used up, or a format that is too new: said so, and that is all.
            #expect(!error.description.isEmpty)
        }
    }

    @Test("Writing the fixture anew", .enabled(if: getenv("BATON_WRITE_FIXTURES") != nil, "only with BATON_WRITE_FIXTURES set"))
    func writeFixture() throws {
        let disk = SimulatedDisk()
        let harness = try LogHarness(disk, settings: FormatTests.settings)
        for key in 1...40 as ClosedRange<UInt64> {
            harness.accept(key, size: FormatTests.size(key))
            harness.loop.run()
            if key > 2, !FormatTests.isKept(key - 2) { harness.finish(key - 2) }
            harness.loop.run()
        }
        harness.loop.advance(by: .seconds(1))
        #expect(harness.moves > 0)
        let path = "\(FormatTests.fixtures)/format-1"
        for directory in [FormatTests.fixtures, path] { mkdir(directory, 0o755) }
        let outer = try POSIXFileLayer(path: path)
        let inner = try outer.subdirectory("archive")
        for (from, to) in [(disk.root, outer as any FileLayer), (try disk.root.subdirectory("archive"), inner)] {
            for old in try to.list() where old.isRegular { try to.remove(old.name) }
            for entry in try from.list() where !entry.name.hasPrefix("spare") {
                let source = try from.open(entry.name, for: .reading)
                var bytes = [UInt8](repeating: 0, count: Int(entry.bytes))
                _ = try bytes.withUnsafeMutableBytes { try source.read(at: 0, into: $0) }
                let target = try to.create(entry.name)
                try bytes.withUnsafeBytes { try target.write(at: 0, $0, UnsafeRawBufferPointer(start: nil, count: 0)) }
            }
        }
    }
}
