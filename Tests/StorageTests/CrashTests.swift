import BatonTesting
import Glibc
import Ports
import Storage
import Synchronization
import Testing

/// What the log has promised so far, and when, counted in disk operations.
private final class Ledger: @unchecked Sendable {
    var accepted: [UInt64: Int] = [:]
    var acknowledged: [UInt64: Int] = [:]
    var finishing: [UInt64: Int] = [:]
    var finished: [(key: UInt64, lsn: LSN)] = []
    var goneForGood: [UInt64: Int] = [:]

    /// Outcomes with lower numbers are synced with a synced append.
    func synced(through lsn: LSN, at operation: Int) {
        for (key, outcome) in finished where outcome < lsn && goneForGood[key] == nil { goneForGood[key] = operation }
    }
}

@Suite("Crashes")
struct CrashTests {
    /// How many histories are tried: `BATON_LOG_SEEDS`, or as many as `make test` has time for.
    static let seeds = getenv("BATON_LOG_SEEDS").flatMap { UInt64(String(cString: $0)) } ?? 24

    static let settings: LogSettings = {
        var settings = LogHarness.settings(segmentBytes: 32 << 10)
        settings.checkpointBytes = 64 << 10
        settings.slackBytes = 128 << 10
        return settings
    }()

    /// Opens what a crash left and checks it against the promises that were made before operation `count`.
    private static func check(_ disk: SimulatedDisk, _ ledger: Ledger, before count: Int, after last: LSN, _ what: String) throws {
        let harness: LogHarness
        do {
            harness = try LogHarness(disk, settings: settings)
        } catch {
            Issue.record("\(what): \(error)")
            return
        }
        let mustBe = ledger.acknowledged.filter { $0.value <= count && (ledger.finishing[$0.key] ?? .max) > count }.map(\.key)
        for key in mustBe where harness.messages[key] == nil { Issue.record("\(what): message \(key) is lost") }
        for (key, operation) in ledger.goneForGood where operation <= count && harness.messages[key] != nil {
            Issue.record("\(what): message \(key) is back")
        }
        for key in harness.messages.keys.sorted() {
            guard let size = ledger.accepted[key] else {
                Issue.record("\(what): message \(key) out of nothing")
                continue
            }
            switch harness.read(key) {
            case .success(let record)? where same(record.body, LogHarness.body(key, size)): break
            case let other: Issue.record("\(what): message \(key) reads \(String(describing: other).prefix(100))")
            }
        }
        if harness.log.lastLSN.advanced < last { Issue.record("\(what): numbers go back") }
    }

    @Test("Every prefix of the operations recovers what was acknowledged by then, whatever the power cut keeps")
    func everyPrefix() throws {
        let disk = SimulatedDisk()
        let start = disk.startRecording()
        let harness = try LogHarness(disk, settings: CrashTests.settings)
        let opened = disk.recorded.count
        let ledger = Ledger()
        for key in 1...120 as ClosedRange<UInt64> {
            let size = Int(key &* 7919 % 2500)
            ledger.accepted[key] = size
            harness.accept(key, size: size) { result in
                guard case .success(let receipt) = result else { return }
                ledger.acknowledged[key] = disk.recorded.count
                ledger.synced(through: receipt.firstLSN, at: disk.recorded.count)
            }
            if key > 3, key % 9 != 0 {
                let done = key - 3
                if done % 9 != 0 {
                    harness.loop.run()
                    ledger.finishing[done] = disk.recorded.count
                    let lsn = harness.log.lastLSN.advanced(1)
                    harness.finish(done) { _ in ledger.finished.append((done, lsn)) }
                }
            }
            if key % 5 == 0 { harness.loop.run() }
            if key % 30 == 0 { harness.loop.advance(by: .milliseconds(150)) }
        }
        harness.checkpoint()
        harness.loop.run()
        #expect(harness.moves > 0, "the workload must reach compaction")
        let last = harness.log.lastLSN
        let operations = disk.recorded
        let names = Set(operations.compactMap { if case .rename(_, _, let to) = $0 { String(to.prefix(7)) } else { nil } })
        #expect(names == ["segment", "spare-0", "identit", "archive", "checkpo"])
        var state = start
        for (index, operation) in operations.enumerated() {
            state.apply(operation)
            for cut in CrashTests.cuts(index, unsynced: state.unsynced) {
                try CrashTests.check(SimulatedDisk(state.after(cut)), ledger, before: index + 1, after: index < opened ? .zero : last.previousIncarnationEnd,
                                     "operation \(index) (\(operation.summary)), \(cut)")
            }
        }
    }

    private static func same(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in
                guard left.count == right.count, let first = left.baseAddress, let second = right.baseAddress else { return left.count == right.count }
                return memcmp(first, second, left.count) == 0
            }
        }
    }

    /// All subsets of a small window after some operations, a few cuts after every one.
    private static func cuts(_ index: Int, unsynced: Int) -> [PowerCut] {
        var cuts: [PowerCut] = index % 2 == 0 ? [.losingEverything] : [.random(seed: UInt64(index))]
        if index % 8 == 0 { cuts += [.keepingEverything, .random(seed: UInt64(index) + 1_000_000)] }
        if index % 40 == 0 {
            let window = min(4, unsynced)
            cuts += (0..<(UInt64(1) << UInt64(window))).map { .keeping(mask: $0, window: window) }
        }
        return cuts
    }

    @Test("A power cut at any moment of a recovery loses nothing that it handed out or that was acknowledged", arguments: 1...12 as ClosedRange<UInt64>)
    func duringRecovery(seed: UInt64) throws {
        let disk = SimulatedDisk()
        let harness = try LogHarness(disk, settings: CrashTests.settings)
        let ledger = Ledger()
        for key in 1...30 as ClosedRange<UInt64> {
            ledger.accepted[key] = Int(key * 100)
            harness.accept(key, size: Int(key * 100)) { if case .success = $0 { ledger.acknowledged[key] = 0 } }
            if key % 4 == 0, key < 25 { harness.loop.run() }
        }
        // Written and not synced when the process dies: a message of a group, and in some histories not all of it.
        for key in 31...40 as ClosedRange<UInt64> { ledger.accepted[key] = key < 37 ? 900 : 6000 }
        let left = Mutex(seed % 4)
        disk.setFault { access, _ in
            guard access == .synchronize || access == .write else { return nil }
            return left.withLock { left in
                defer { left = left == 0 ? 0 : left - 1 }
                return left == 0 ? 5 : nil
            }
        }
        harness.acceptGroup([31, 32, 33], size: 900) { _ in }
        harness.acceptGroup([34, 35, 36], size: 900) { _ in }
        for _ in 0..<Int(seed) { _ = harness.loop.step() }
        disk.setFault(nil)
        for key in 37...40 as ClosedRange<UInt64> {
            harness.log.append([LogHarness.draft(key, size: 6000)], .unsynced, on: harness.loop) { _ in }
            harness.loop.run()
        }
        harness.executor.crash()
        disk.processDied()
        let start = disk.startRecording()
        let recovered = try LogHarness(disk, settings: CrashTests.settings)
        let done = disk.recorded.count
        let handedOut = Array(recovered.messages.keys)
        recovered.executor.crash()
        var state = start
        for (index, operation) in disk.recorded.enumerated() {
            state.apply(operation)
            // What recovery has handed out counts as kept once it has ended.
            if index + 1 == done { for key in handedOut { ledger.acknowledged[key] = 0 } }
            let cuts = (0..<10).map { PowerCut.random(seed: (UInt64(index) * 16 + $0) &* 77 &+ seed) }
            for cut in [PowerCut.losingEverything] + cuts {
                try CrashTests.check(SimulatedDisk(state.after(cut)), ledger, before: .max, after: .zero, "operation \(index), \(cut)")
            }
        }
    }

    @Test("Histories of work, faults and crashes keep every promise", arguments: 1...CrashTests.seeds)
    func histories(seed: UInt64) throws {
        let random = TestRandom(seed: seed &* 0x9e37_79b9)
        var disk = SimulatedDisk(capacity: 6 << 20)
        let ledger = Ledger()
        var key: UInt64 = 0
        var highest = LSN.zero
        for round in 1...6 {
            let loop = TestLoop()
            let harness = try LogHarness(disk, loop: loop, settings: CrashTests.settings)
            #expect(harness.log.lastLSN.advanced(1) > highest, "seed \(seed): numbers go back")
            // What recovery brought back is synced, so it must not vanish any more unless it is finished.
            for known in harness.messages.keys where ledger.finishing[known] == nil { ledger.acknowledged[known] = 0 }
            let faults = Faults(random)
            disk.setFault { faults.decide($0, $1) }
            for _ in 0..<Int(random.next(below: 150)) {
                switch random.next(below: 20) {
                case 0..<9:
                    key += 1
                    let this = key
                    let size = Int(random.next(below: 4000))
                    ledger.accepted[this] = size
                    harness.accept(this, size: size) { if case .success = $0 { ledger.acknowledged[this] = 0 } }
                case 9..<16:
                    guard let done = harness.messages.keys.min() else { break }
                    ledger.finishing[done] = 0
                    harness.finish(done)
                    loop.run()
                case 16: loop.advance(by: .milliseconds(Int64(random.next(below: 1500))))
                case 17:
                    harness.beginCheckpoint()
                    // A group, and a part of a message that nobody waits for.
                    let group = Array((key + 1)...(key + 3))
                    key += 3
                    for this in group { ledger.accepted[this] = 500 }
                    harness.acceptGroup(group, size: 500) {
                        if case .success = $0 { for this in group { ledger.acknowledged[this] = 0 } }
                    }
                    harness.log.append([RecordDraft(kind: 3, version: 1, isCritical: true, meta: [1], body: LogHarness.body(1, 20_000))], .unsynced,
                                       on: loop) { _ in }
                case 18: faults.arm()
                default: for _ in 0..<Int(random.next(below: 30)) { _ = loop.step() }
                }
            }
            if random.next() & 1 == 0 { loop.run() }
            highest = harness.log.lastLSN
            harness.executor.crash()
            disk.setFault(nil)
            let cut: PowerCut = switch random.next(below: 5) {
            case 0: .keepingEverything
            case 1: .losingEverything
            default: .random(seed: random.next())
            }
            if random.next(below: 4) == 0 {
                // Only the process dies: what it wrote may still get lost later.
                disk.processDied()
            } else {
                disk = disk.after(cut)
            }
            try CrashTests.check(disk.after(cut), ledger, before: .max, after: highest.previousIncarnationEnd, "seed \(seed) round \(round) \(cut)")
        }
    }

    /// Fails one access now and then.
    private final class Faults: @unchecked Sendable {
        private let random: TestRandom
        private var armed = 0

        init(_ random: TestRandom) { self.random = random }

        func arm() { armed = 1 + Int(random.next(below: 3)) }

        func decide(_ access: SimulatedDisk.Access, _ name: String) -> Int32? {
            guard armed > 0, access == .write || access == .synchronize || access == .allocate || access == .create || access == .rename,
                  random.next(below: 4) == 0 else { return nil }
            armed -= 1
            return random.next() & 1 == 0 ? 5 : 28
        }
    }
}

extension LSN {
    func advanced(_ count: UInt64) -> LSN { LSN(rawValue + count) }

    /// The last number before the next incarnation's first.
    var previousIncarnationEnd: LSN { LSN(UInt64(incarnation) << 40 | 0xff_ffff_ffff) }

    var advanced: LSN { advanced(1) }
}

extension DiskOperation {
    fileprivate var summary: String {
        switch self {
        case .write(let inode, let offset, let bytes): "write \(bytes.count) at \(offset) of \(inode)"
        default: "\(self)"
        }
    }
}
