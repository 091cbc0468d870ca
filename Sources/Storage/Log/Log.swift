import Ports

/// The durable, append-only log.
///
/// All methods may be called from any thread; completions come on the loop that is given, never
/// within the call. Completions of one loop come in the order of LSNs, except that within a batch
/// those of `.unsynced` and `.written` appends come before those of `.synced` ones. So when a
/// `.synced` completion comes on a loop, every earlier append of that loop has been completed.
public final class Log: Sendable {
    /// Grows by one at every open: the upper 24 bits of every LSN and id of this run.
    public let incarnation: UInt32

    init(incarnation: UInt32) { self.incarnation = incarnation }

    /// Opens the log in `files`, creating it when the directory is empty, and replays it into `replay` before returning.
    ///
    /// `knows` tells whether the caller can read records of a kind and version. Nothing is accepted, moved or
    /// freed before the first call of a method of the log that is returned.
    public static func open(files: any FileLayer, executor: any StorageExecutor, settings: LogSettings, random: any RandomSource,
                            knows: (_ kind: UInt8, _ version: UInt8) -> Bool,
                            replay: (RecoveryItem) -> Void) throws(LogOpenError) -> (log: Log, report: RecoveryReport) {
        throw .invalidSetting("not built yet")
    }

    /// Names the owner and starts checkpoints and compaction; call it once, after the owner has retained what it found.
    public func start(owner: LoopConfined<any LogOwner>) {}

    /// Appends `group`, all or nothing, and returns the LSN of its first record, or nil when it was refused at once.
    ///
    /// The completion comes in every case. A group of which `completion` hears an error may still turn up at the next
    /// recovery, whole.
    @discardableResult
    public func append(_ group: [RecordDraft], _ durability: Durability, on loop: any Loop,
                       completion: @escaping @Sendable (Result<AppendReceipt, StorageError>) -> Void) -> LSN? { nil }

    /// Reads a whole record and verifies it; `expectedBytes` (`storedBytes`) saves a second read.
    public func read(_ position: RecordPosition, expectedBytes: Int = 0, on loop: any Loop,
                     completion: @escaping @Sendable (Result<LogRecord, StorageError>) -> Void) {}

    /// Counts a record as live: its segment is worth keeping.
    public func retain(_ position: RecordPosition, bytes: Int) {}

    /// Counts a record as no longer live.
    public func release(_ position: RecordPosition, bytes: Int) {}

    /// Begins a checkpoint that reflects every record up to `through`: the LSN of a `.synced` append that was completed.
    ///
    /// A checkpoint that is still open is given up.
    public func beginCheckpoint(through: LSN) -> CheckpointWriter { CheckpointWriter(through: through) }

    /// What is left of the file system and of the limits.
    public var capacity: LogCapacity { LogCapacity(freeBytes: 0, pendingBytes: 0, state: .closed) }

    /// For history queries.
    public var reader: LogReader { LogReader() }

    /// Syncs what was appended, ends all work and gives the spool free; later appends fail with `.closed`.
    public func close(on loop: any Loop, completion: @escaping @Sendable () -> Void) {}
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
