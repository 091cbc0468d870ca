import Glibc
import Ports
import Synchronization

/// The durable, append-only log.
///
/// All methods may be called from any thread; completions come on the loop that is given, never
/// within the call. Completions of one loop come in the order of LSNs, except that within a batch
/// those of `.unsynced` and `.written` appends come before those of `.synced` ones. So when a
/// `.synced` completion comes on a loop, every earlier append of that loop has been completed.
public final class Log: Sendable {
    private let context: LogContext
    private let queue: AppendQueue
    private let writer: LogWriter
    private let pool: SegmentPool
    private let maintenance: Maintenance
    private let compactor: Compactor
    private let openCheckpoint = Mutex<CheckpointWriter?>(nil)

    /// For history queries.
    public let reader: LogReader

    private init(context: LogContext, spares: [String], opening: LogOpening) {
        self.context = context
        let settings = context.settings
        queue = AppendQueue(incarnation: context.incarnation, maxBytes: settings.maxPendingBytes,
                            maxGroupBytes: settings.segmentBytes - Int(FileHeader.recordsOffset),
                            freeBytes: (try? context.files.freeBytes()) ?? 0)
        pool = SegmentPool(context: context, spares: spares)
        maintenance = Maintenance(settings: settings, replayed: opening.replayedBytes, checkpointBytes: opening.checkpointBytes)
        compactor = Compactor(context: context, pool: pool, maintenance: maintenance)
        writer = LogWriter(context: context, pool: pool, queue: queue, maintenance: maintenance)
        reader = LogReader(context: context)
    }

    /// Opens the log in `files`, creating it when the directory is empty, and replays it into `replay` before returning.
    ///
    /// `knows` tells whether the caller can read records of a kind and version. Nothing is appended, moved or freed
    /// before the first call of a method of the log that is returned.
    public static func open(files: any FileLayer, executor: any StorageExecutor, settings: LogSettings, random: any RandomSource,
                            knows: @escaping (_ kind: UInt8, _ version: UInt8) -> Bool,
                            replay: @escaping (RecoveryItem) -> Void) throws(LogOpenError) -> (log: Log, report: RecoveryReport) {
        try settings.check()
        do throws(FileError) {
            guard try files.lock() else { throw FileError("lock", "", errno: EWOULDBLOCK) }
        } catch {
            throw error.errno == EWOULDBLOCK ? .locked : .file(error)
        }
        do throws(LogOpenError) {
            var opening = LogOpening(files: files, executor: executor, settings: settings)
            let (context, spares) = try opening.run(random: random, knows: knows, replay: replay)
            return (Log(context: context, spares: spares, opening: opening), opening.report)
        } catch {
            files.unlock()
            throw error
        }
    }

    /// Grows by one at every open: the upper 24 bits of every LSN and id of this run.
    public var incarnation: UInt32 { context.incarnation }

    /// The last number that was given to a record.
    public var lastLSN: LSN { queue.lastLSN }

    /// Names the owner and starts checkpoints and compaction; call it once, after the owner has retained what it found.
    public func start(owner: LoopConfined<any LogOwner>) {
        maintenance.start(owner: owner)
        pool.refillSoon()
        compactor.considerSoon()
    }

    /// Appends `group`, all or nothing, and returns the LSN of its first record, or nil when it was refused at once.
    ///
    /// The completion comes in every case. A group of which `completion` hears an error may still turn up at the next
    /// recovery, whole. An empty group is a barrier: `.synced`, it completes when all that was appended before is on the
    /// disk, and takes no number. `witness` hears the same on a loop of its own, without waiting for `loop`.
    @discardableResult
    public func append(_ group: [RecordDraft], _ durability: Durability, on loop: any Loop, witness: AppendWitness? = nil,
                       completion: @escaping @Sendable (Result<AppendReceipt, StorageError>) -> Void) -> LSN? {
        switch queue.append(group, durability, on: loop, witness: witness, completion: completion) {
        case .queued(let lsn, let mustDrain):
            if mustDrain { context.executor.submit(to: .writer) { [writer] in writer.drain() } }
            return lsn
        case .refused(let error):
            loop.execute { completion(.failure(error)) }
            if let witness { witness.loop.execute { witness.completion(.failure(error)) } }
            return nil
        }
    }

    /// Reads a whole record and verifies it; `expectedBytes` (`storedBytes`) saves a second read.
    public func read(_ position: RecordPosition, expectedBytes: Int = 0, on loop: any Loop,
                     completion: @escaping @Sendable (Result<LogRecord, StorageError>) -> Void) {
        context.executor.submit(to: .reader) { [context] in
            let result = Log.read(position, expectedBytes: expectedBytes, context)
            loop.execute { completion(result) }
        }
    }

    private static func read(_ position: RecordPosition, expectedBytes: Int, _ context: LogContext) -> Result<LogRecord, StorageError> {
        do throws(FileError) {
            guard let file = try context.table.file(position.segment) else { return .failure(.gone) }
            let seed = context.uuid.seed(file: position.segment)
            do throws(StoredRecord.Failure) {
                let record = try StoredRecord.read(position, in: file, seed: seed, expectedBytes: expectedBytes)
                return .success(record.logRecord(at: position))
            } catch {
                // While it was read the file may have been freed and written anew.
                guard let entry = context.table[position.segment] else { return .failure(.gone) }
                switch error {
                case .file(let error): return .failure(.unreadable(errno: error.errno))
                case .damaged:
                    let end = position.byteOffset + UInt64(max(expectedBytes, RecordHeader.alignment))
                    _ = Quarantine(files: context.files).keep(position.byteOffset..<end, of: file, name: entry.name)
                    return .failure(.damaged(position))
                }
            }
        } catch {
            return .failure(.unreadable(errno: error.errno))
        }
    }

    /// Copies what lies at `position` to the quarantine; blocks.
    public func setAside(_ position: RecordPosition, bytes: Int) throws(FileError) {
        guard let entry = context.table[position.segment], let file = try context.table.file(position.segment) else {
            throw FileError("open", "segment \(position.segment)", errno: ENOENT)
        }
        let start = position.byteOffset
        let kept = Quarantine(files: context.files).keep(start..<(start + UInt64(max(bytes, RecordHeader.alignment))), of: file, name: entry.name)
        guard kept.isKept else { throw FileError("copy", entry.name, errno: EIO) }
    }

    /// Writes bytes of the owner's state that it cannot understand to the quarantine; blocks.
    public func setAside(_ bytes: [UInt8], as name: String) throws(FileError) {
        try Quarantine(files: context.files).keep(bytes, name: name)
    }

    /// Counts a record as live: its file is worth keeping.
    public func retain(_ position: RecordPosition, bytes: Int) {
        context.table.addLive(bytes, to: position.segment)
    }

    /// Counts a record as no longer live.
    public func release(_ position: RecordPosition, bytes: Int) {
        if context.table.addLive(0 &- bytes, to: position.segment) == 0 { compactor.considerSoon() }
    }

    /// Tells whether the disk has less room than the owner wants: then what can be freed is freed, whatever the slack.
    public func setDiskShort(_ isShort: Bool) { compactor.setDiskShort(isShort) }

    /// Begins a checkpoint that reflects every record up to `through`: the LSN of a `.synced` append that was completed.
    ///
    /// To be called on the owner's loop; `CheckpointWriter.keep` is told what is live. A checkpoint that is still open is
    /// given up.
    public func beginCheckpoint(through: LSN) -> CheckpointWriter {
        let plan = maintenance.owner == nil ? Compactor.Plan() : compactor.plan(through: through)
        let checkpoint = CheckpointWriter(through: through, context: context, maintenance: maintenance, compactor: compactor,
                                          plan: plan) { [weak self] loop, done in
            guard let self else { return done(.closed) }
            append([], .synced, on: loop) { result in
                if case .failure(let error) = result { done(error) } else { done(nil) }
            }
        }
        openCheckpoint.withLock { open in
            open?.cancel()
            open = checkpoint
        }
        maintenance.checkpointBegan()
        return checkpoint
    }

    /// What is left of the file system and of the limits.
    public var capacity: LogCapacity { queue.capacity }

    /// Syncs what was appended, ends all work and gives the spool free; later appends fail with `.closed`.
    public func close(on loop: any Loop, completion: @escaping @Sendable () -> Void) {
        maintenance.stop()
        openCheckpoint.withLock { $0 = nil }
        _ = queue.setState(.closed)
        context.executor.submit(to: .writer) { [self] in
            writer.close()
            context.executor.submit(to: .background) { [self] in
                context.files.unlock()
                loop.execute(completion)
            }
        }
    }
}

/// What the log can still take.
public struct LogCapacity: Hashable, Sendable {
    /// Bytes free on the file system, looked up at most a second ago while the log is in use.
    public let freeBytes: UInt64
    /// Bytes of appends that wait for the writer.
    public let pendingBytes: Int
    /// Whether the log takes records.
    public let state: LogState
}
