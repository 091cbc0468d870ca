import BatonTesting
import Ports
import Storage
import Testing

@Suite("A spool looked at from above")
struct OverlayTests {
    private func contents(_ files: any FileLayer) throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for entry in try files.list() {
            let file = try files.open(entry.name, for: .reading)
            var bytes = [UInt8](repeating: 0, count: Int(entry.bytes))
            let count = try bytes.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
            found[entry.name] = Array(bytes[..<count])
        }
        return found
    }

    private func put(_ text: String, at offset: UInt64, in file: any StorageFile) throws {
        try Array(text.utf8).withUnsafeBytes { try file.write(at: offset, $0, UnsafeRawBufferPointer(start: nil, count: 0)) }
    }

    @Test("what is written, renamed and removed above changes nothing below")
    func changes() throws {
        let disk = SimulatedDisk()
        for name in ["a", "b", "c"] { try put("below \(name)", at: 0, in: try disk.root.create(name)) }
        let before = try contents(disk.root)
        let above = OverlayFileLayer(on: disk.root)
        try put("above", at: 2, in: try above.open("a", for: .writing))
        try above.rename("b", to: "d")
        try above.remove("c")
        try put("new", at: 3, in: try above.create("c"))
        #expect(throws: FileError.self) { try above.create("a") }
        #expect(throws: FileError.self) { try above.open("b", for: .reading) }
        #expect(throws: FileError.self) { try above.remove("b") }
        let inner = try above.subdirectory("inner")
        try put("x", at: 0, in: try inner.create("x"))
        #expect(try above.subdirectory("inner").list().count == 1)
        #expect(try contents(above) == ["a": Array("beabove".utf8), "d": Array("below b".utf8), "c": [0, 0, 0] + Array("new".utf8)])
        #expect(try contents(disk.root) == before)
        #expect(try disk.root.list().count == 3)
    }

    @Test("a log is opened, repaired and appended to above, and the spool stays as it was")
    func opening() throws {
        let harness = try LogHarness(SimulatedDisk())
        for key in 1...5 as ClosedRange<UInt64> { harness.accept(key) }
        harness.loop.run()
        let disk = harness.disk.after(.keepingEverything)
        let before = try contents(disk.root)
        let loop = TestLoop()
        let records = Box<Int>()
        records.value = 0
        let (log, report) = try Log.open(files: OverlayFileLayer(on: disk.root), executor: LoopStorageExecutor(loop: loop),
                                         settings: LogHarness.settings(), random: TestRandom(seed: 1), knows: { _, _ in true }) { item in
            if case .record = item { records.value = (records.value ?? 0) + 1 }
        }
        #expect(records.value == 5)
        #expect(report.damage.isEmpty)
        let isStored = Box<Bool>()
        log.append([LogHarness.draft(9, size: 100)], .synced, on: loop) { if case .success = $0 { isStored.value = true } }
        loop.run()
        #expect(isStored.value == true)
        log.close(on: loop) {}
        loop.run()
        #expect(try contents(disk.root) == before)
    }
}
