import Glibc
import Ports
import Synchronization

/// Frees segments: archives their events, copies what is live in them, and recycles them.
///
/// A file is freed only by a checkpoint that is durable, reflects all its records, and for which the
/// owner kept no record in it; and a segment only after its archive is synced. So at every moment the
/// newest durable checkpoint finds all that it refers to.
final class Compactor: Sendable {
    /// What a checkpoint may allow once it is durable.
    struct Plan: Sendable {
        /// Segments that get an archive.
        var archived: [UInt32] = []
        /// Files that are freed, unless the owner keeps something in them; that is copied away.
        var questioned: Set<UInt32> = []
    }

    /// Files fuller than this are not worth copying.
    private static let maxLiveFraction = 0.8
    /// Live bytes copied after one checkpoint.
    private static let maxCopiedBytes = 128 << 20
    private static let keptCheckpoints = 1

    private let context: LogContext
    private let pool: SegmentPool
    private let maintenance: Maintenance
    private let isConsidering = Atomic(false)
    /// Whether the disk has less room than the owner wants: then the spool may not have its slack.
    private let isDiskShort = Atomic(false)

    init(context: LogContext, pool: SegmentPool, maintenance: Maintenance) {
        self.context = context
        self.pool = pool
        self.maintenance = maintenance
    }

    // MARK: Planning, on the owner's loop

    /// What may be done after a checkpoint through `through` that begins now.
    func plan(through: LSN) -> Plan {
        let files = context.table.all.filter { file in
            switch file.purpose {
            case .segment: file.state != .active && !file.isPinned && file.lastLSN <= through
            default: file.state == .sealed
            }
        }
        let dead = files.filter { $0.live <= 0 }
        let victims = victims(among: files)
        return Plan(archived: files.filter { $0.purpose == .segment && !$0.isArchived }.map(\.number),
                    questioned: Set((dead + victims).map(\.number)))
    }

    /// The files to copy from so that the spool gets small enough: those with the least to copy.
    private func victims(among files: [SegmentTable.Entry]) -> [SegmentTable.Entry] {
        let (total, live, dead) = usage()
        let roomy = 2 * live + context.settings.slackBytes / 2
        let goal = isDiskShort.load(ordering: .relaxed) ? live + Compactor.shortSlack(live, context.settings) : roomy
        var projected = total - dead
        var copied = 0
        var victims: [SegmentTable.Entry] = []
        let candidates = files.filter { $0.live > 0 && $0.liveFraction < Compactor.maxLiveFraction }
        for file in candidates.sorted(by: { $0.liveFraction < $1.liveFraction }) {
            guard projected > goal, copied < Compactor.maxCopiedBytes else { break }
            victims.append(file)
            projected -= Int(clamping: file.fileBytes) - file.live
            copied += file.live
        }
        return victims
    }

    /// Bytes in the spool, bytes that are live, and bytes in files without anything live.
    private func usage() -> (total: Int, live: Int, dead: Int) {
        var total = Int(clamping: pool.bytes) + maintenance.checkpointBytes * (Compactor.keptCheckpoints + 1)
        var live = 0
        var dead = 0
        for file in context.table.all {
            let bytes = Int(clamping: file.fileBytes)
            total += bytes
            live += max(file.live, 0)
            if file.live <= 0, file.state != .active { dead += bytes }
        }
        return (total, live, dead)
    }

    /// Asks for a checkpoint when the spool is too large and one would free something.
    func considerSoon() {
        guard isConsidering.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged else { return }
        context.executor.submit(to: .background) { [self] in
            isConsidering.store(false, ordering: .releasing)
            let (total, live, dead) = usage()
            if isDiskShort.load(ordering: .relaxed) {
                let dispensable = max(dead, total - live - Compactor.shortSlack(live, context.settings))
                if dispensable >= context.settings.segmentBytes { maintenance.askForSpace(dispensable) }
            } else if total > 2 * live + context.settings.slackBytes / 2, dead >= 2 * context.settings.segmentBytes {
                maintenance.askForSpace(dead)
            }
        }
    }

    /// The disk has less room than the owner wants, or has enough again.
    func setDiskShort(_ isShort: Bool) {
        isDiskShort.store(isShort, ordering: .relaxed)
        if isShort { considerSoon() }
    }

    /// What a spool on a full disk may take beside what is live: the segments in use and ahead, and an eighth.
    private static func shortSlack(_ live: Int, _ settings: LogSettings) -> Int {
        live / 8 + (settings.spareSegments + 2) * settings.segmentBytes
    }

    // MARK: Carrying out, on the background lane

    /// Does what a checkpoint allows that has just become durable, for which the owner needs the records at `kept`.
    func carryOut(_ plan: Plan, keeping kept: [RecordPosition]) {
        removeOldCheckpoints()
        for number in plan.archived { archive(number) }
        let freed = plan.questioned.subtracting(kept.map(\.segment)).sorted().count { free($0) }
        let copied = copy(kept.filter { plan.questioned.contains($0.segment) }.sorted())
        expireArchives()
        maintenance.compacted(isProgress: freed > 0 || copied > 0)
        considerSoon()
    }

    private func removeOldCheckpoints() {
        guard let entries = try? context.files.list() else { return }
        for through in SpoolListing(entries).checkpoints.dropFirst(Compactor.keptCheckpoints) {
            try? context.files.remove(CheckpointFile.name(through))
        }
    }

    private func free(_ number: UInt32) -> Bool {
        guard let file = context.table[number], file.purpose == .bodies || file.isArchived else { return false }
        // First out of the table: whoever reads it from now on hears `.gone` and not what the file becomes.
        context.table.remove(number)
        pool.recycle(file.name, bytes: file.fileBytes)
        return true
    }

    // MARK: Archives

    private func archive(_ number: UInt32) {
        guard let segment = context.table[number], let file = try? context.table.file(number) else { return }
        let name = ArchiveFile.name(number)
        let temporary = name + CheckpointFile.temporarySuffix
        do throws(FileError) {
            try write(segment, file, to: temporary)
            try context.archives.rename(temporary, to: name)
            try context.archives.synchronizeNames()
            context.table.update(number) { $0.isArchived = true }
        } catch {
            try? context.archives.remove(temporary)
            // The spares are of no use on a full disk, but an archive makes a segment free.
            if error.errno == ENOSPC || error.errno == EDQUOT { pool.trim() }
        }
    }

    private func write(_ segment: SegmentTable.Entry, _ file: any StorageFile, to name: String) throws(FileError) {
        let isTrusted = segment.state == .sealed
        var scanner = SegmentScanner(file, seed: context.uuid.seed(file: segment.number), to: isTrusted ? segment.end : segment.fileBytes,
                                     bodies: isTrusted ? .none : .all)
        try? context.archives.remove(name)
        var archive = ArchiveWriter(try context.archives.create(name), seed: ArchiveFile.seed(context.uuid, segment.number))
        while let item = try scanner.next() {
            guard case .group(let group) = item else { continue }
            for record in group { try archive.append(record) }
        }
        var header = context.header(.archive, number: segment.number, firstLSN: segment.firstLSN, fileBytes: 0)
        header.lastLSN = segment.lastLSN
        try archive.finish(header)
    }

    private func expireArchives() {
        let oldest = context.executor.now - context.settings.eventRetention
        guard let entries = try? context.archives.list() else { return }
        for entry in entries {
            guard let number = ArchiveFile.number(entry.name), context.table[number] == nil,
                  let file = try? context.archives.open(entry.name, for: .reading),
                  case .valid(let header)? = try? FileHeader.read(file.bytes(at: 0, count: FileHeader.size)),
                  header.created < oldest else { continue }
            try? context.archives.remove(entry.name)
        }
    }

    // MARK: Copies

    /// Copies live records into a body file and returns how many.
    private func copy(_ positions: [RecordPosition]) -> Int {
        guard !positions.isEmpty, let owner = maintenance.owner else { return 0 }
        let number = context.table.takeNumber()
        let name = SegmentTable.name(number, .bodies)
        do throws(FileError) {
            let file = try context.files.create(name)
            let (moves, end) = try copy(positions, to: file, number: number)
            guard !moves.isEmpty else {
                try context.files.remove(name)
                return 0
            }
            try file.synchronize()
            try context.files.synchronizeNames()
            // Active until the owner knows of it: a plan must not take it for dead before.
            context.table.insert(SegmentTable.Entry(purpose: .bodies, state: .active, fileBytes: end, end: end, firstLSN: .zero,
                                                    lastLSN: .zero, file: file, number: number))
            owner.loop.execute { [context, self] in
                owner.value.moved(moves) {
                    context.table.update(number) { $0.state = .sealed }
                    self.considerSoon()
                }
            }
            return moves.count
        } catch {
            try? context.files.remove(name)
            if error.errno == ENOSPC || error.errno == EDQUOT { pool.trim() }
            return 0
        }
    }

    private func copy(_ positions: [RecordPosition], to target: any StorageFile,
                      number: UInt32) throws(FileError) -> (moves: [RecordMove], end: UInt64) {
        var sink = RecordSink()
        sink.aim(at: target, seed: context.uuid.seed(file: number), offset: FileHeader.recordsOffset)
        var moves: [RecordMove] = []
        var firstLSN = LSN.zero
        for position in positions {
            guard let file = try context.table.file(position.segment) else { continue }
            let seed = context.uuid.seed(file: position.segment)
            // What is damaged stays where it is, and its file with it, until the owner lets go of it.
            guard let record = try? StoredRecord.read(position, in: file, seed: seed, expectedBytes: 0) else { continue }
            if firstLSN == .zero { firstLSN = record.lsn }
            let offset = try sink.append(record.draft, lsn: record.lsn, groupIndex: 0, groupCount: 1)
            moves.append(RecordMove(from: position, to: RecordPosition(segment: number, offset: UInt32(truncatingIfNeeded: offset / 64)),
                                    messageKey: record.draft.messageKey))
        }
        try sink.flush()
        try context.header(.bodies, number: number, firstLSN: firstLSN, fileBytes: sink.end).write(to: target)
        return (moves, sink.end)
    }
}

extension SegmentTable.Entry {
    /// The part of the file that is live.
    fileprivate var liveFraction: Double { Double(max(live, 0)) / Double(max(fileBytes, 1)) }
}
