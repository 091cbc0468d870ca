import Ports
@testable import Simulation
@testable import Storage

/// The log: appends, a power cut, damage, and a start after it. What comes back was appended, whole and in order.
let logTarget = FuzzTarget(
    name: "log", maxLength: 400,
    seeds: [
        [0, 0, 3, 1, 5, 0x61, 0x62, 2, 0x63, 0x64, 0, 1, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0x21, 5, 1, 1, 1, 2, 2, 4, 0, 0, 1, 200, 1, 3, 1, 0, 90],
        [0x43, 9, 0, 0, 5, 5, 5, 5, 2, 3, 4, 0, 1, 16, 8, 200, 100], [0x87, 1, 1, 4, 0, 1, 4, 1, 1, 3, 3, 1, 1, 1, 0, 0, 255, 255],
    ]) { bytes in
    var input = FuzzInput(bytes)
    var life = LogLife(&input)
    life.append(&input)
    life.restart(&input)
    life.restart(&input)
}

/// A log over several lives on a disk that forgets and decays.
private struct LogLife {
    private var disk = SimulatedDisk()
    private let loop = FuzzLoop()
    private let random = SeededRandom(seed: 1)
    private var settings = LogSettings()
    private var log: Log?
    private let owner = FuzzOwner()
    private let appended = Appended()
    private var isDamaged = false
    private var lastIncarnation: UInt32 = 0

    init(_ input: inout FuzzInput) {
        settings.segmentBytes = 16 << 10
        settings.spareSegments = Int(input.octet() & 1)
        settings.checkpointBytes = 8 << 10
        settings.slackBytes = 64 << 10
        settings.outcomeReserveBytes = 1024
        open()
    }

    private mutating func open() {
        var recovered: [RecoveredRecord] = []
        var checkpointed = 0
        do throws(LogOpenError) {
            let (log, report) = try Log.open(files: disk.root, executor: FuzzExecutor(loop), settings: settings, random: random,
                                             knows: { kind, _ in kind < 8 }, replay: { item in
                switch item {
                case .record(let record): recovered.append(record)
                case .checkpoint(let chunk):
                    check(chunk == [7, 7, 7], "a checkpoint that nobody wrote")
                    checkpointed += 1
                }
            })
            check(log.incarnation > lastIncarnation || isDamaged, "an incarnation comes again")
            lastIncarnation = max(log.incarnation, lastIncarnation)
            self.log = log
            checkRecovered(recovered, report)
            log.start(owner: LoopConfined(owner, to: loop))
            read(recovered, log)
        } catch {
            check(isDamaged, "the log does not open: \(error)")
            log = nil
        }
        loop.run()
    }

    private func checkRecovered(_ recovered: [RecoveredRecord], _ report: RecoveryReport) {
        var last = LSN.zero
        for record in recovered {
            check(record.lsn > last, "records come out of order")
            last = record.lsn
            guard let draft = appended.drafts[record.lsn] else { fail("a record that nobody appended: \(record.lsn)") }
            check(draft.meta == record.meta && draft.kind == record.kind && draft.body.count == record.bodyLength
                && draft.messageKey == record.messageKey, "record \(record.lsn) comes back changed")
        }
        guard !isDamaged else { return }
        let known = Set(recovered.map(\.lsn))
        for lsn in appended.synced where lsn > report.checkpoint {
            check(known.contains(lsn), "record \(lsn) was synced and is gone; \(report)")
        }
        check(report.damage.isEmpty, "damage that nobody did: \(report.damage)")
    }

    /// Reads records by position, and their history.
    private func read(_ recovered: [RecoveredRecord], _ log: Log) {
        let appended = appended
        let isDamaged = isDamaged
        for record in recovered {
            guard let position = record.position else { continue }
            log.read(position, expectedBytes: record.storedBytes, on: loop) { result in
                switch result {
                case .success(let whole):
                    check(appended.drafts[whole.lsn]?.body == whole.body, "body of \(whole.lsn) comes back changed")
                case .failure(let error): check(isDamaged || error == .gone, "\(position) cannot be read: \(error)")
                }
            }
        }
        for key in 0...3 as ClosedRange<UInt64> {
            log.reader.records(forMessage: key, on: loop) { result in
                guard case .success(let records) = result else { return }
                for record in records { check(appended.drafts[record.lsn]?.meta == record.meta, "history of \(record.lsn) is changed") }
            }
            log.reader.messages(forAddressHash: key, limit: 2, on: loop) { result in
                if case .success(let keys) = result { check(keys.count <= 2, "more messages than asked for") }
            }
        }
        log.read(RecordPosition(segment: 1, offset: 77), on: loop) { _ in }
        loop.run()
    }

    mutating func append(_ input: inout FuzzInput) {
        guard let log else { return }
        for _ in 0..<(input.octet() & 31) {
            let kind = input.octet()
            if kind & 15 == 15 {
                checkpoint(log)
            } else if kind & 15 == 14 {
                loop.advance(by: .milliseconds(200))
            } else {
                let group = (0...Int(kind >> 6 & 1)).map { _ in
                    let meta = input.take(Int(input.octet() & 7))
                    let size = Int(input.octet())
                    return RecordDraft(kind: kind & 7, version: 1, isCritical: kind & 32 != 0, messageKey: UInt64(kind >> 4 & 3),
                                       addressHashes: kind & 16 != 0 ? [UInt64(kind & 3)] : [], meta: meta,
                                       body: Array(repeating: kind, count: size > 200 ? size * 20 : size))
                }
                append(group, kind & 128 != 0 ? .written : .synced, log)
            }
            if input.flag() { loop.run() }
        }
    }

    private func append(_ group: [RecordDraft], _ durability: Durability, _ log: Log) {
        let appended = appended
        let first = log.append(group, durability, on: loop) { result in
            guard case .success(let receipt) = result else { return }
            for index in group.indices {
                let lsn = receipt.firstLSN.advanced(by: index)
                if durability == .synced { appended.synced.insert(lsn) }
            }
        }
        guard let first else { return }
        for (index, draft) in group.enumerated() {
            let old = appended.drafts.updateValue(draft, forKey: first.advanced(by: index))
            check(old == nil || isDamaged, "a number is given twice")
        }
    }

    private func checkpoint(_ log: Log) {
        loop.run()
        guard let through = appended.synced.max() else { return }
        let loop = loop
        let writer = log.beginCheckpoint(through: through)
        writer.write([7, 7, 7], on: loop) {
            writer.finish(on: loop) { _ in }
        }
        loop.run()
    }

    /// The power goes, bytes decay, and the log starts again.
    mutating func restart(_ input: inout FuzzInput) {
        let how = input.octet()
        if how & 1 == 0 { loop.run() }
        loop.forget()
        log = nil
        let cut: PowerCut = switch how >> 1 & 3 {
        case 0: .keepingEverything
        case 1: .losingEverything
        case 2: .random(seed: UInt64(input.octet()))
        default: .keeping(mask: UInt64(input.octet()), window: 6)
        }
        disk = disk.after(cut)
        for _ in 0..<(how >> 4 & 7) { damage(&input) }
        open()
        if how & 8 != 0 { append(&input) }
        loop.run()
    }

    private mutating func damage(_ input: inout FuzzInput) {
        guard let names = try? disk.root.list().map(\.name), !names.isEmpty else { return }
        isDamaged = true
        let name = names[Int(input.octet()) % names.count]
        guard let file = try? disk.root.open(name, for: .writing) else { return }
        let what = input.octet()
        let offset = UInt64(input.octet()) << (what & 8 != 0 ? 6 : 0) + (what & 16 != 0 ? 4096 : 0)
        switch what & 7 {
        case 0: try? disk.root.remove(name)
        case 1: try? file.write(Array(repeating: 0, count: 600), at: offset)
        case 2: forgeHeader(of: file, &input)
        case 3: forgeRecord(in: file, name, at: offset / 64 * 64, &input)
        case 4: if names.count > 1 { try? disk.root.rename(name, to: names[Int(input.octet()) % names.count]) }
        default:
            guard let old = try? file.bytes(at: offset, count: 8) else { return }
            let mask = input.take(8)
            try? file.write(zip(old, mask + Array(repeating: 0, count: 8)).map { $0 ^ $1 }, at: offset)
        }
    }

    /// A file header with valid sums and wild numbers.
    private func forgeHeader(of file: any StorageFile, _ input: inout FuzzInput) {
        guard let reading = try? FileHeader.read(from: file), case .valid(var header) = reading else { return }
        let number = wild(&input)
        switch input.octet() & 7 {
        case 0: header.end = number
        case 1: header.fileBytes = number
        case 2: header.firstLSN = LSN(number)
        case 3: header.lastLSN = LSN(number)
        case 4: header.number = UInt32(truncatingIfNeeded: number)
        case 5: header.incarnation = UInt32(truncatingIfNeeded: number)
        case 6: header.created = Timestamp(nanoseconds: Int64(truncatingIfNeeded: number))
        default: header.purpose = .bodies
        }
        try? header.write(to: file)
        appended.isForged = true
    }

    /// A record with a valid header check and wild lengths; its sums do not match, or it would be a record.
    private func forgeRecord(in file: any StorageFile, _ name: String, at offset: UInt64, _ input: inout FuzzInput) {
        guard let reading = try? FileHeader.read(from: file), case .valid(let file_) = reading else { return }
        let draft = RecordDraft(kind: 1, version: 1, isCritical: true, meta: [], body: [])
        var header = RecordHeader(draft: draft, lsn: LSN(wild(&input)), bodyCRC: 0, groupIndex: 0, groupCount: 1 + UInt16(input.octet()))
        header.metaLength = UInt32(truncatingIfNeeded: wild(&input))
        header.bodyLength = UInt32(truncatingIfNeeded: wild(&input))
        header.hashCount = UInt16(truncatingIfNeeded: wild(&input))
        var bytes = [UInt8](repeating: 0, count: RecordHeader.size)
        bytes.withUnsafeMutableBytes { buffer in
            if let start = buffer.baseAddress { header.put(at: start, fileSeed: file_.uuid.seed(file: file_.number)) }
        }
        try? file.write(bytes, at: offset)
    }

    private func wild(_ input: inout FuzzInput) -> UInt64 {
        switch input.octet() & 7 {
        case 0: .max
        case 1: .max - UInt64(input.octet())
        case 2: UInt64(UInt32.max) - UInt64(input.octet())
        case 3: UInt64(Int64.max)
        case 4: UInt64(input.octet()) << 40
        case 5: 0
        default: UInt64(input.octet()) << 8 | UInt64(input.octet())
        }
    }
}

/// What was appended, for completions to see.
private final class Appended: @unchecked Sendable {
    var drafts: [LSN: RecordDraft] = [:]
    var synced: Set<LSN> = []
    var isForged = false
}

private final class FuzzOwner: LogOwner {
    func checkpointDue() {}
    func moved(_ moves: [RecordMove], done: @escaping @Sendable () -> Void) { done() }
    func stateChanged(_ state: LogState) {}
}

/// A loop that runs when it is told to.
private final class FuzzLoop: Loop, @unchecked Sendable {
    private(set) var now = Timestamp(seconds: 1_800_000_000)
    private var jobs: [@Sendable () -> Void] = []
    private var timers: [(due: Timestamp, job: @Sendable () -> Void)] = []

    var isCurrent: Bool { true }

    func execute(_ job: @escaping @Sendable () -> Void) { jobs.append(job) }

    func schedule(at deadline: Timestamp, _ job: @escaping @Sendable () -> Void) -> LoopTimer {
        timers.append((deadline, job))
        return LoopTimer {}
    }

    func run() {
        for _ in 0..<10_000 {
            var batch: [@Sendable () -> Void] = []
            swap(&batch, &jobs)
            if batch.isEmpty { return }
            for job in batch { job() }
        }
        fail("the log does not come to rest")
    }

    func advance(by duration: Duration) {
        now = now + duration
        let due = timers.filter { $0.due <= now }
        timers.removeAll { $0.due <= now }
        for timer in due { timer.job() }
        run()
    }

    func forget() {
        jobs = []
        timers = []
    }
}

/// The log's lanes as one loop.
private final class FuzzExecutor: StorageExecutor {
    private let loop: FuzzLoop

    init(_ loop: FuzzLoop) { self.loop = loop }

    var now: Timestamp { loop.now }
    func submit(to lane: StorageLane, _ job: @escaping @Sendable () -> Void) { loop.execute(job) }
    func submit(to lane: StorageLane, after delay: Duration, _ job: @escaping @Sendable () -> Void) {
        _ = loop.schedule(at: loop.now + delay, job)
    }
    func shutdown() {}
}
