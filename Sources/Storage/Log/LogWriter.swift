import Glibc
import Ports
import Synchronization

/// Writes and syncs what is appended.
///
/// Unchecked: confined to the writer lane, but for what it is made from.
final class LogWriter: @unchecked Sendable {
    /// Bytes that are written before the first completion.
    private static let batchBytes = 8 << 20
    /// How long the writer waits before it tries a disk again that refused.
    private static let retryDelay = Duration.seconds(1)

    private let context: LogContext
    private let pool: SegmentPool
    private let queue: AppendQueue
    private let maintenance: Maintenance
    private var sink = RecordSink()
    private var active: Active?
    private var unsynced = Unsynced()
    private var isTimerSet = false
    /// The disk refused a new segment as well: nothing is written until what is not synced has been written again.
    private var hasFailed = false
    private var nextSpaceTry = Timestamp.distantPast
    private var nextSpaceLook = Timestamp.distantPast

    /// The segment that is appended to.
    private struct Active {
        let number: UInt32
        let file: any StorageFile
        let fileBytes: UInt64
        let firstLSN: LSN
        var lastLSN: LSN
    }

    /// What is written, was completed, and is not synced: kept until it is, because a failed sync means writing it again.
    private struct Unsynced {
        var groups: [StoredGroup] = []
        var bytes = 0
        var oldestOutcome: Timestamp?

        mutating func add(_ group: StoredGroup, at now: Timestamp) {
            groups.append(group)
            bytes += group.append.bytes
            if group.append.durability == .written, oldestOutcome == nil { oldestOutcome = now }
        }
    }

    /// A group and what became of it.
    private struct StoredGroup {
        let append: PendingAppend
        var positions: [RecordPosition] = []
        var refusal: StorageError?
    }

    /// The disk refused.
    private enum Failure: Error {
        case write(FileError)
        case sync(FileError)

        var errno: Int32 {
            switch self { case .write(let error), .sync(let error): error.errno }
        }
    }

    init(context: LogContext, pool: SegmentPool, queue: AppendQueue, maintenance: Maintenance) {
        self.context = context
        self.pool = pool
        self.queue = queue
        self.maintenance = maintenance
    }

    /// Writes all that waits.
    func drain() {
        while let batch = queue.take(limit: LogWriter.batchBytes) { process(batch) }
    }

    /// Syncs what was written and seals the segment.
    func close() {
        // The last chance for outcomes that are in memory only.
        if hasFailed { retry() }
        drain()
        do throws(Failure) {
            try sealActive()
        } catch {
            var none: [StoredGroup] = []
            recover(from: error, losing: &none)
        }
    }

    private func process(_ batch: [PendingAppend]) {
        var groups = batch.map { StoredGroup(append: $0) }
        if hasFailed {
            for index in groups.indices { groups[index].refusal = .failed }
            return complete(&groups, including: .synced)
        }
        do throws(Failure) {
            try store(&groups)
        } catch {
            recover(from: error, losing: &groups)
        }
        complete(&groups, including: .written)
        if mustSync(after: groups) {
            do throws(Failure) {
                try synchronize()
            } catch {
                recover(from: error, losing: &groups)
            }
        }
        complete(&groups, including: .synced)
        maintenance.logged(batch.reduce(0) { $0 + $1.bytes })
        lookAtSpace()
    }

    /// Tells the appenders of `groups` what became of them, all or those that need no sync, and takes these out of `groups`.
    private func complete(_ groups: inout [StoredGroup], including durability: Durability) {
        var completions = CompletionList()
        var rest: [StoredGroup] = []
        for group in groups {
            if group.append.durability == .synced, durability != .synced, group.refusal == nil {
                rest.append(group)
            } else if let refusal = group.refusal {
                completions.add(group.append, .failure(refusal))
            } else {
                completions.add(group.append, .success(AppendReceipt(firstLSN: group.append.firstLSN, positions: group.positions)))
                if durability != .synced { unsynced.add(group, at: context.executor.now) }
            }
        }
        groups = rest
        completions.deliver()
    }

    // MARK: Storing

    /// Writes `groups` behind each other and notes where each lies; those for which there is no room get a refusal.
    private func store(_ groups: inout [StoredGroup]) throws(Failure) {
        for index in groups.indices where groups[index].refusal == nil {
            let append = groups[index].append
            if append.group.isEmpty { continue }
            guard try makeRoom(for: append) else {
                groups[index].refusal = .noSpace
                continue
            }
            groups[index].positions = try write(append)
        }
        try flush()
    }

    private func write(_ append: PendingAppend) throws(Failure) -> [RecordPosition] {
        guard let number = active?.number else { return [] }
        var positions: [RecordPosition] = []
        positions.reserveCapacity(append.group.count)
        do throws(FileError) {
            for (index, draft) in append.group.enumerated() {
                let offset = try sink.append(draft, lsn: append.firstLSN.advanced(by: index), groupIndex: index, groupCount: append.group.count)
                positions.append(RecordPosition(segment: number, offset: UInt32(truncatingIfNeeded: offset / 64)))
            }
        } catch {
            throw .write(error)
        }
        active?.lastLSN = append.firstLSN.advanced(by: append.group.count - 1)
        return positions
    }

    private func flush() throws(Failure) {
        guard let active else { return }
        do throws(FileError) {
            try sink.flush()
        } catch {
            throw .write(error)
        }
        let end = sink.end
        context.table.update(active.number) { entry in
            entry.end = end
            entry.lastLSN = active.lastLSN
        }
    }

    /// Sees to it that the active segment has room for `append`; false when the disk has none for another segment.
    private func makeRoom(for append: PendingAppend) throws(Failure) -> Bool {
        if let active {
            var room = active.fileBytes &- min(sink.end, active.fileBytes)
            // The last part belongs to outcomes until the next segment is there: deliveries can be
            // recorded on a full disk, and so the spool can drain.
            if append.hasBody, !pool.hasReady { room -= min(room, reserve) }
            if UInt64(append.bytes) <= room { return true }
        }
        let now = context.executor.now
        guard now >= nextSpaceTry || pool.hasReady else { return false }
        let next: SegmentPool.Ready
        do throws(FileError) {
            next = try pool.take()
        } catch {
            guard error.errno == ENOSPC || error.errno == EDQUOT else { throw .write(error) }
            nextSpaceTry = now + LogWriter.retryDelay
            setState(.outOfSpace)
            guard let small = smallSegment(for: append) else { return false }
            next = small
        }
        do throws(Failure) {
            try sealActive()
        } catch {
            pool.putBack(next)
            throw error
        }
        do throws(Failure) {
            try activate(next, firstLSN: append.firstLSN)
        } catch {
            discard(next)
            throw error
        }
        if next.bytes == UInt64(context.settings.segmentBytes) { setState(.open) }
        return true
    }

    /// A segment just large enough for outcomes: after a start on a full disk there is no end of a segment left for them,
    /// and unless deliveries are recorded the spool cannot drain.
    private func smallSegment(for append: PendingAppend) -> SegmentPool.Ready? {
        guard !append.hasBody else { return nil }
        let bytes = (max(UInt64(append.bytes), reserve) + FileHeader.recordsOffset + 4095) / 4096 * 4096
        return try? pool.makeSmall(bytes: min(bytes, UInt64(context.settings.segmentBytes)))
    }

    private var reserve: UInt64 { UInt64(min(context.settings.outcomeReserveBytes, context.settings.segmentBytes / 16)) }

    private func activate(_ next: SegmentPool.Ready, firstLSN: LSN) throws(Failure) {
        let size = next.bytes
        do throws(FileError) {
            try context.header(.segment, number: next.number, firstLSN: firstLSN, fileBytes: size).write(to: next.file)
        } catch {
            throw .write(error)
        }
        context.table.insert(SegmentTable.Entry(purpose: .segment, state: .active, fileBytes: size, end: FileHeader.recordsOffset,
                                                firstLSN: firstLSN, lastLSN: .zero, file: next.file, number: next.number))
        sink.aim(at: next.file, seed: context.uuid.seed(file: next.number), offset: FileHeader.recordsOffset)
        active = Active(number: next.number, file: next.file, fileBytes: size, firstLSN: firstLSN, lastLSN: .zero)
    }

    /// Closes the active segment: everything in it is synced before anything is written to the next one, so that only the
    /// last segment can have a torn end.
    private func sealActive() throws(Failure) {
        guard let active else { return }
        try flush()
        try synchronize()
        context.table.update(active.number) { $0.state = .sealed }
        self.active = nil
        var header = context.header(.segment, number: active.number, firstLSN: active.firstLSN, fileBytes: active.fileBytes)
        header.lastLSN = active.lastLSN
        header.end = sink.end
        // Written after the sync: a seal must not be there before what it vouches for. If the seal
        // gets lost, recovery verifies the segment once more, nothing else.
        guard (try? header.write(to: active.file)) != nil else { return }
        context.executor.submit(to: .background) { try? active.file.synchronize() }
    }

    // MARK: Syncing

    private func mustSync(after groups: [StoredGroup]) -> Bool {
        if groups.contains(where: { $0.append.durability == .synced && $0.refusal == nil }) { return true }
        if unsynced.bytes >= context.settings.maxUnsyncedBytes { return true }
        guard let oldest = unsynced.oldestOutcome else { return false }
        if context.executor.now - oldest >= context.settings.outcomeSyncDelay { return true }
        setTimer(context.settings.outcomeSyncDelay)
        return false
    }

    private func synchronize() throws(Failure) {
        guard let active else { return }
        do throws(FileError) {
            try active.file.synchronize()
        } catch {
            throw .sync(error)
        }
        unsynced = Unsynced()
    }

    private func setTimer(_ delay: Duration) {
        guard !isTimerSet else { return }
        isTimerSet = true
        context.executor.submit(to: .writer, after: delay) { [weak self] in self?.timerFired() }
    }

    private func timerFired() {
        isTimerSet = false
        if hasFailed { return retry() }
        guard mustSync(after: []) else { return }
        do throws(Failure) {
            try synchronize()
        } catch {
            var none: [StoredGroup] = []
            recover(from: error, losing: &none)
        }
    }

    // MARK: Failing

    /// Goes on in a new segment after the disk refused: writes again what is not synced, and `groups` where that is allowed.
    ///
    /// A file whose sync failed is never synced again: the kernel has forgotten what it could not write.
    private func recover(from failure: Failure, losing groups: inout [StoredGroup]) {
        abandonActive()
        if case .sync = failure {
            for index in groups.indices where groups[index].append.durability == .synced {
                groups[index].refusal = groups[index].refusal ?? .notStored(errno: failure.errno)
            }
        }
        do throws(Failure) {
            try startOver(with: &groups)
        } catch {
            abandonActive()
            for index in groups.indices { groups[index].refusal = groups[index].refusal ?? .notStored(errno: error.errno) }
            hasFailed = true
            setState(.failed)
            setTimer(LogWriter.retryDelay)
        }
    }

    /// Tries the disk again after the log has failed.
    private func retry() {
        var none: [StoredGroup] = []
        do throws(Failure) {
            try startOver(with: &none)
            hasFailed = false
            setState(.open)
        } catch {
            abandonActive()
            setTimer(LogWriter.retryDelay)
        }
    }

    /// Opens a segment, writes what is not synced and `groups` into it, and syncs.
    private func startOver(with groups: inout [StoredGroup]) throws(Failure) {
        let kept = unsynced
        do throws(Failure) {
            try activateAnew(firstLSN: kept.groups.first?.append.firstLSN ?? groups.first?.append.firstLSN ?? queue.lastLSN.advanced(by: 1))
            var rewritten = kept.groups
            try store(&rewritten)
            guard rewritten.allSatisfy({ $0.refusal == nil }) else { throw .write(FileError("write", "segment", errno: ENOSPC)) }
            try store(&groups)
            try synchronize()
            maintenance.tellMoved(zip(kept.groups, rewritten).flatMap { old, new in
                zip(old.append.group, zip(old.positions, new.positions)).map { draft, places in
                    RecordMove(from: places.0, to: places.1, messageKey: draft.messageKey)
                }
            })
        } catch {
            unsynced = kept
            // Only copies are in it: each new try would leave another.
            discardActive()
            throw error
        }
    }

    private func activateAnew(firstLSN: LSN) throws(Failure) {
        let next: SegmentPool.Ready
        do throws(FileError) {
            next = try pool.take()
        } catch {
            throw .write(error)
        }
        do throws(Failure) {
            try activate(next, firstLSN: firstLSN)
            try synchronize()
        } catch {
            if active == nil { discard(next) } else { discardActive() }
            throw error
        }
    }

    /// Removes a segment in which there is nothing yet.
    private func discard(_ segment: SegmentPool.Ready) {
        try? context.files.remove(SegmentTable.name(segment.number, .segment))
    }

    /// Removes the active segment, of which nobody knows a position.
    private func discardActive() {
        guard let active else { return }
        self.active = nil
        context.table.remove(active.number)
        try? context.files.remove(SegmentTable.name(active.number, .segment))
    }

    private func abandonActive() {
        guard let active else { return }
        context.table.update(active.number) { $0.state = .abandoned }
        self.active = nil
    }

    /// A log that has failed stays so, whatever a new try meets on its way, until that has succeeded.
    private func setState(_ state: LogState) {
        guard !hasFailed || state == .failed else { return }
        if queue.setState(state) { maintenance.tellState(state) }
    }

    private func lookAtSpace() {
        let now = context.executor.now
        guard now >= nextSpaceLook else { return }
        nextSpaceLook = now + .seconds(1)
        context.executor.submit(to: .background) { [context, queue] in
            if let bytes = try? context.files.freeBytes() { queue.setFreeBytes(bytes) }
        }
    }
}
