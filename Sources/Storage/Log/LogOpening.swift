import Glibc
import Ports

/// Opens a spool: finds its files, repairs the end of the log, and replays it.
struct LogOpening {
    let files: any FileLayer
    let executor: any StorageExecutor
    let settings: LogSettings
    let quarantine: Quarantine
    let table: SegmentTable

    var report = RecoveryReport()
    var uuid = LogUUID(high: 0, low: 0)
    var incarnation: UInt32 = 0
    /// Bytes of log that the checkpoint does not cover.
    var replayedBytes = 0
    /// Bytes of the checkpoint.
    var checkpointBytes = 0
    /// Records in body files, while the state is made anew.
    var copies: [LSN: (position: RecordPosition, bytes: Int)] = [:]
    private var spool = SpoolListing()
    private var unused: [UInt32] = []

    init(files: any FileLayer, executor: any StorageExecutor, settings: LogSettings) {
        self.files = files
        self.executor = executor
        self.settings = settings
        quarantine = Quarantine(files: files)
        table = SegmentTable(files: files)
    }

    /// Does it all and returns what the log is made from; the spool is locked before.
    mutating func run(random: any RandomSource, knows: @escaping (UInt8, UInt8) -> Bool,
                      replay: @escaping (RecoveryItem) -> Void) throws(LogOpenError) -> (context: LogContext, spares: [String]) {
        let entries = try disk { () throws(FileError) in try files.list() }
        spool = SpoolListing(entries)
        report.damage += spool.strange.map { "\($0) is not a regular file with one name: left alone" }
        try readIdentity(random)
        table.reserveNumbers(through: spool.highestNumber)
        let segments = try findSegments()
        try findBodies()
        let through = try loadCheckpoint(replay)
        var pass = ReplayPass(through: through, knows: knows, replay: replay)
        try replaySegments(segments, with: &pass)
        report.records = pass.records
        report.skipped = pass.skipped
        report.lastLSN = max(through, pass.last)
        incarnation = max(incarnation, report.lastLSN.incarnation)
        guard incarnation < LSN.maxIncarnation else { throw .invalidSetting("the log's numbers are used up: begin a new spool") }
        incarnation += 1
        try disk { () throws(FileError) in try writeIdentity() }
        for name in spool.temporaries { try? files.remove(name) }
        let archives = try disk { () throws(FileError) in
            let archives = try files.subdirectory(ArchiveFile.directory)
            for entry in try archives.list() {
                if let number = ArchiveFile.number(entry.name) { table.update(number) { $0.isArchived = true } }
            }
            return archives
        }
        let context = LogContext(files: files, archives: archives, executor: executor, settings: settings, uuid: uuid,
                                 incarnation: incarnation, table: table)
        return (context, usableSpares())
    }

    /// Turns file errors into those of opening.
    func disk<Result>(_ work: () throws(FileError) -> Result) throws(LogOpenError) -> Result {
        do throws(FileError) {
            return try work()
        } catch {
            throw .file(error)
        }
    }

    // MARK: Identity

    private mutating func readIdentity(_ random: any RandomSource) throws(LogOpenError) {
        var found: FileHeader?
        if spool.hasIdentity {
            found = try header(of: SpoolListing.identity, .identity)?.header
            if found == nil { report.damage.append("the identity of the spool is unreadable: taken from its other files") }
        }
        if found == nil {
            let others = spool.segments.map { (SegmentTable.name($0, .segment), FileHeader.Purpose.segment) }
                + spool.checkpoints.map { (CheckpointFile.name($0), FileHeader.Purpose.checkpoint) }
            for (name, purpose) in others where found == nil { found = try header(of: name, purpose)?.header }
        }
        uuid = found?.uuid ?? LogUUID(high: random.next(), low: random.next())
        incarnation = found?.incarnation ?? 0
    }

    private func writeIdentity() throws(FileError) {
        let temporary = SpoolListing.identity + CheckpointFile.temporarySuffix
        try? files.remove(temporary)
        let file = try files.create(temporary)
        let header = FileHeader(purpose: .identity, uuid: uuid, number: 0, incarnation: incarnation, firstLSN: .zero, created: executor.now,
                                fileBytes: UInt64(FileHeader.size), release: settings.release)
        try file.write(header.encoded, at: 0)
        try file.synchronize()
        try files.rename(temporary, to: SpoolListing.identity)
        try files.synchronizeNames()
    }

    /// A file and its header; nil when it is not a regular file or has no header of this purpose.
    private func header(of name: String,
                        _ purpose: FileHeader.Purpose) throws(LogOpenError) -> (file: any StorageFile, header: FileHeader)? {
        guard let file = try? files.open(name, for: .reading), let reading = try? FileHeader.read(from: file) else { return nil }
        switch reading {
        case .valid(let header): return header.purpose == purpose ? (file, header) : nil
        case .invalid: return nil
        case .tooNew(let format, let release):
            throw .formatTooNew(file: name, format: format, supported: FileHeader.format, writtenBy: release)
        }
    }

    // MARK: Files

    private mutating func findSegments() throws(LogOpenError) -> [FoundSegment] {
        var segments: [FoundSegment] = []
        for number in spool.segments {
            let name = SegmentTable.name(number, .segment)
            if let (file, found) = try header(of: name, .segment), found.uuid == uuid {
                incarnation = max(incarnation, found.incarnation)
                let header = try fitted(found, to: file)
                // The header of another number, or without an LSN, is that of a file which waits for its first record. Should
                // one have come all the same, it must not be taken for a spare: the records have the last word.
                if header.number != number || header.firstLSN == .zero {
                    if let found = try headless(number, name: name, isWaiting: true) { segments.append(found) }
                } else {
                    segments.append(FoundSegment(number: number, file: file, header: header))
                }
            } else if let found = try headless(number, name: name) {
                segments.append(found)
            }
        }
        return segments.sorted { ($0.header.firstLSN, $0.number) < ($1.header.firstLSN, $1.number) }
    }

    /// The header with no more bytes in it than the file has.
    private func fitted(_ header: FileHeader, to file: any StorageFile) throws(LogOpenError) -> FileHeader {
        let size = try disk { () throws(FileError) in try file.size() }
        var header = header
        header.fileBytes = size
        header.end = min(header.end, size)
        return header
    }

    /// Bytes in which the first record of a file is looked for whose header says that there is none.
    private static let firstRecordBytes: UInt64 = 1 << 20

    /// A segment whose header is unreadable, or says that the file is `isWaiting`: the records tell.
    private mutating func headless(_ number: UInt32, name: String, isWaiting: Bool = false) throws(LogOpenError) -> FoundSegment? {
        guard let file = try? files.open(name, for: .reading), let size = try? file.size() else {
            report.damage.append("\(name) cannot be read: left alone")
            return nil
        }
        let end = isWaiting ? min(size, FileHeader.recordsOffset + LogOpening.firstRecordBytes) : size
        var scanner = SegmentScanner(file, seed: uuid.seed(file: number), to: end, bodies: .none)
        while let item = try? scanner.next() {
            guard case .group(let group) = item, let first = group.first else { continue }
            report.damage.append("\(name) has lost its header")
            let header = FileHeader(purpose: .segment, uuid: uuid, number: number, incarnation: first.header.lsn.incarnation,
                                    firstLSN: first.header.lsn, created: executor.now, fileBytes: size, release: settings.release)
            return FoundSegment(number: number, file: file, header: header)
        }
        if !isWaiting, let start = try? file.bytes(at: 0, count: 4096), start.contains(where: { $0 != 0 }) {
            let kept = quarantine.keep(0..<size, of: file, name: name)
            report.damage.append(kept.text)
            if !kept.isKept { return nil }
        }
        unused.append(number)
        return nil
    }

    private mutating func findBodies() throws(LogOpenError) {
        for number in spool.bodies {
            let name = SegmentTable.name(number, .bodies)
            guard let file = try? files.open(name, for: .reading), let size = try? file.size() else {
                report.damage.append("\(name) cannot be read: left alone")
                continue
            }
            // Without its header it serves as well: its records are found by position.
            let header = try header(of: name, .bodies)?.header
            table.insert(SegmentTable.Entry(purpose: .bodies, state: .sealed, fileBytes: size, end: size,
                                            firstLSN: header?.firstLSN ?? .zero, lastLSN: .zero, file: nil, number: number))
        }
    }

    /// Spare files of the right size; others are removed.
    private mutating func usableSpares() -> [String] {
        var names: [String] = []
        for spare in spool.spares {
            if spare.bytes == UInt64(settings.segmentBytes) { names.append(spare.name) } else { try? files.remove(spare.name) }
        }
        for number in unused {
            let name = SegmentTable.name(number, .segment)
            let spare = SegmentPool.spareName(number)
            guard let file = try? files.open(name, for: .reading), (try? file.size()) == UInt64(settings.segmentBytes),
                  (try? files.rename(name, to: spare)) != nil else {
                try? files.remove(name)
                continue
            }
            names.append(spare)
        }
        return names
    }

    // MARK: Checkpoint

    private mutating func loadCheckpoint(_ replay: (RecoveryItem) -> Void) throws(LogOpenError) -> LSN {
        guard let through = spool.checkpoints.first else { return .zero }
        let name = CheckpointFile.name(through)
        guard let (file, header) = try header(of: name, .checkpoint), header.uuid == uuid, header.firstLSN == through,
              let size = try? file.size() else { return keepCheckpoint(name) }
        table.reserveNumbers(through: min(header.number, SpoolListing.maxNumber))
        incarnation = max(incarnation, header.incarnation)
        let seed = CheckpointFile.seed(header)
        // Verified whole before anything is handed out: half a state is worse than none.
        guard (try? CheckpointFile.read(file, seed: seed, chunk: { _ in })) == true else { return keepCheckpoint(name) }
        let isWhole = try disk { () throws(FileError) in
            try CheckpointFile.read(file, seed: seed) { replay(.checkpoint($0)) }
        }
        guard isWhole else { throw .file(FileError("read", name, errno: EIO)) }
        report.checkpoint = through
        checkpointBytes = Int(clamping: size)
        return through
    }

    /// Sets a damaged checkpoint aside. The one before it is of no use: records that it refers to may have been freed since.
    private mutating func keepCheckpoint(_ name: String) -> LSN {
        guard let file = try? files.open(name, for: .reading), let size = try? file.size() else {
            report.damage.append("\(name) cannot be read: left alone, the state is made anew from all events")
            return .zero
        }
        report.damage.append(quarantine.keep(0..<size, of: file, name: name).text + ": the state is made anew from all events")
        return .zero
    }
}

/// A segment as recovery found it.
struct FoundSegment {
    let number: UInt32
    let file: any StorageFile
    var header: FileHeader

    var isSealed: Bool { header.end != 0 }
    var name: String { SegmentTable.name(number, .segment) }
}
