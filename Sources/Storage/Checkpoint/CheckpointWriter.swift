import Ports
import Synchronization

/// Takes the owner's state for a checkpoint, chunk by chunk.
public final class CheckpointWriter: Sendable {
    /// The point up to which the state reflects every record.
    public let through: LSN

    private let context: LogContext
    private let maintenance: Maintenance
    private let compactor: Compactor
    private let plan: Compactor.Plan
    private let barrier: @Sendable (any Loop, @escaping @Sendable (StorageError?) -> Void) -> Void
    private let progress: Mutex<Progress>

    private struct Progress {
        var file: (any StorageFile)?
        var seed: UInt32 = 0
        var offset = CheckpointFile.firstChunk
        var count = 0
        var failure: StorageError?
        var isEnded = false
        var kept: [RecordPosition] = []
    }

    /// `barrier` syncs the log and then tells whether it could.
    init(through: LSN, context: LogContext, maintenance: Maintenance, compactor: Compactor, plan: Compactor.Plan,
         barrier: @escaping @Sendable (any Loop, @escaping @Sendable (StorageError?) -> Void) -> Void) {
        self.through = through
        self.context = context
        self.maintenance = maintenance
        self.compactor = compactor
        self.plan = plan
        self.barrier = barrier
        progress = Mutex(Progress())
    }

    /// Files that are freed once the checkpoint is durable, unless `keep` names a record in them.
    public var questioned: Set<UInt32> { plan.questioned }

    /// Names records in `questioned` files that may still be read, to be copied elsewhere.
    ///
    /// This is the truth for compaction: a record that is not named before `finish` is freed with its file. Naming may go on
    /// while the checkpoint is written: what the owner comes to know after its begin lies in other files.
    public func keep(_ positions: [RecordPosition]) {
        progress.withLock { $0.kept += positions }
    }

    private var name: String { CheckpointFile.name(through) }
    private var temporary: String { name + CheckpointFile.temporarySuffix }

    /// Takes one chunk of at most 16 MiB; `next` is called on `loop` when another is welcome.
    ///
    /// The state may change between chunks: what changes is in records after `through`, which are replayed over it.
    public func write(_ chunk: [UInt8], on loop: any Loop, next: @escaping @Sendable () -> Void) {
        context.executor.submit(to: .background) { [self] in
            put(chunk)
            loop.execute(next)
        }
    }

    /// Makes the checkpoint durable and valid; `completion` hears on `loop` whether it is.
    public func finish(on loop: any Loop, completion: @escaping @Sendable (Result<Void, StorageError>) -> Void) {
        context.executor.submit(to: .background) { [self] in
            if let failure = close() { return end(failure, on: loop, completion) }
            // A checkpoint must not know more than the log does after a power cut.
            barrier(loop) { [self] failure in
                context.executor.submit(to: .background) { [self] in
                    end(failure ?? publish(), on: loop, completion)
                }
            }
        }
    }

    /// Gives the checkpoint up.
    public func cancel() {
        context.executor.submit(to: .background) { [self] in abandon() }
    }

    private func end(_ failure: StorageError?, on loop: any Loop, _ completion: @escaping @Sendable (Result<Void, StorageError>) -> Void) {
        if let failure {
            abandon()
            loop.execute { completion(.failure(failure)) }
        } else {
            loop.execute { completion(.success(())) }
            compactor.carryOut(plan, keeping: progress.withLock { $0.kept })
        }
    }

    // MARK: On the background lane

    private func put(_ chunk: [UInt8]) {
        progress.withLock { progress in
            guard progress.failure == nil, !progress.isEnded else { return }
            guard chunk.count <= CheckpointFile.maxChunk else {
                progress.failure = .tooLarge
                return
            }
            attempt(&progress) { (progress) throws(FileError) in
                let file = try open(&progress)
                let lead = CheckpointFile.lead(length: UInt32(truncatingIfNeeded: chunk.count), chunk, index: progress.count, seed: progress.seed)
                try file.write(lead, at: progress.offset)
                try file.write(chunk, at: progress.offset + 8)
                progress.offset += UInt64(8 + chunk.count)
                progress.count += 1
            }
        }
    }

    private func close() -> StorageError? {
        progress.withLock { progress in
            guard progress.failure == nil, !progress.isEnded else { return progress.failure ?? .closed }
            attempt(&progress) { (progress) throws(FileError) in
                let file = try open(&progress)
                try file.write(CheckpointFile.trailer(count: progress.count, seed: progress.seed), at: progress.offset)
                try file.synchronize()
            }
            return progress.failure
        }
    }

    private func publish() -> StorageError? {
        let bytes = progress.withLock { progress -> Int? in
            guard !progress.isEnded else {
                progress.failure = .closed
                return nil
            }
            attempt(&progress) { (_) throws(FileError) in
                try context.files.rename(temporary, to: name)
                try context.files.synchronizeNames()
            }
            progress.isEnded = progress.failure == nil
            progress.file = nil
            return Int(clamping: progress.offset)
        }
        guard let bytes, progress.withLock({ $0.failure }) == nil else { return progress.withLock { $0.failure } }
        maintenance.checkpointEnded(bytes: bytes)
        return nil
    }

    private func abandon() {
        let isNews = progress.withLock { progress in
            defer {
                progress.isEnded = true
                progress.file = nil
            }
            return !progress.isEnded
        }
        guard isNews else { return }
        try? context.files.remove(temporary)
        maintenance.checkpointFailed()
    }

    private func open(_ progress: inout Progress) throws(FileError) -> any StorageFile {
        if let file = progress.file { return file }
        try? context.files.remove(temporary)
        let file = try context.files.create(temporary)
        let header = context.header(.checkpoint, number: context.table.nextNumber, firstLSN: through, fileBytes: 0)
        try file.write(header.encoded, at: 0)
        progress.seed = CheckpointFile.seed(header)
        progress.file = file
        return file
    }

    private func attempt(_ progress: inout Progress, _ work: (inout Progress) throws(FileError) -> Void) {
        do throws(FileError) {
            try work(&progress)
        } catch {
            progress.failure = .notStored(errno: error.errno)
        }
    }
}
