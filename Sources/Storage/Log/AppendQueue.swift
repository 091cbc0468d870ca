import Ports
import Synchronization

/// An append that waits for the writer.
struct PendingAppend: Sendable {
    let group: [RecordDraft]
    let durability: Durability
    let firstLSN: LSN
    let bytes: Int
    let loop: any Loop
    let witness: AppendWitness?
    let completion: @Sendable (Result<AppendReceipt, StorageError>) -> Void

    /// Whether a record of the group has a body.
    var hasBody: Bool { group.contains { !$0.body.isEmpty } }
}

/// What waits for the writer, in the order in which numbers were given.
final class AppendQueue: Sendable {
    private struct Contents {
        var pending: [PendingAppend] = []
        var bytes = 0
        var nextLSN: LSN
        var state = LogState.open
        /// Whether the writer runs or has been asked to.
        var isDraining = false
        var freeBytes: UInt64 = 0
    }

    /// What became of an append.
    enum Admission {
        case queued(LSN, mustDrain: Bool)
        case refused(StorageError)
    }

    private let maxBytes: Int
    private let maxGroupBytes: Int
    private let contents: Mutex<Contents>

    init(incarnation: UInt32, maxBytes: Int, maxGroupBytes: Int, freeBytes: UInt64) {
        self.maxBytes = maxBytes
        self.maxGroupBytes = maxGroupBytes
        contents = Mutex(Contents(nextLSN: .first(of: incarnation), freeBytes: freeBytes))
    }

    /// Gives the group its numbers and queues it.
    func append(_ group: [RecordDraft], _ durability: Durability, on loop: any Loop, witness: AppendWitness?,
                completion: @escaping @Sendable (Result<AppendReceipt, StorageError>) -> Void) -> Admission {
        guard let bytes = AppendQueue.storedBytes(group), bytes <= maxGroupBytes else { return .refused(.tooLarge) }
        return contents.withLock { contents in
            switch contents.state {
            case .closed: return .refused(.closed)
            case .failed: return .refused(.failed)
            case .open, .outOfSpace: break
            }
            guard contents.bytes + bytes <= maxBytes || contents.pending.isEmpty else { return .refused(.full) }
            // An empty group is a barrier and takes no number: it stands for the record before it.
            let lsn = group.isEmpty ? contents.nextLSN.advanced(by: -1) : contents.nextLSN
            contents.nextLSN = contents.nextLSN.advanced(by: group.count)
            contents.bytes += bytes
            contents.pending.append(PendingAppend(group: group, durability: durability, firstLSN: lsn, bytes: bytes, loop: loop,
                                                  witness: witness, completion: completion))
            defer { contents.isDraining = true }
            return .queued(lsn, mustDrain: !contents.isDraining)
        }
    }

    /// The next appends to write, up to about `limit` bytes; nil when nothing waits, and then the writer may stop.
    func take(limit: Int) -> [PendingAppend]? {
        contents.withLock { contents in
            guard !contents.pending.isEmpty else {
                contents.isDraining = false
                return nil
            }
            var batch: [PendingAppend] = []
            if contents.bytes <= limit {
                swap(&batch, &contents.pending)
                contents.bytes = 0
                contents.pending.reserveCapacity(batch.count)
            } else {
                var bytes = 0
                var count = 0
                while count < contents.pending.count, count == 0 || bytes + contents.pending[count].bytes <= limit {
                    bytes += contents.pending[count].bytes
                    count += 1
                }
                batch = Array(contents.pending.prefix(count))
                contents.pending.removeFirst(count)
                contents.bytes -= bytes
            }
            return batch
        }
    }

    /// Changes the state and tells whether it was another; a closed log stays closed.
    func setState(_ state: LogState) -> Bool {
        contents.withLock { contents in
            guard contents.state != state, contents.state != .closed else { return false }
            contents.state = state
            return true
        }
    }

    /// The last number that was given.
    var lastLSN: LSN { contents.withLock { $0.nextLSN.advanced(by: -1) } }

    func setFreeBytes(_ bytes: UInt64) { contents.withLock { $0.freeBytes = bytes } }

    var capacity: LogCapacity {
        contents.withLock { LogCapacity(freeBytes: $0.freeBytes, pendingBytes: $0.bytes, state: $0.state) }
    }

    /// Bytes that `group` takes; nil when a count or length does not fit its field.
    private static func storedBytes(_ group: [RecordDraft]) -> Int? {
        guard group.count <= RecordHeader.maxCount else { return nil }
        var bytes = 0
        for draft in group {
            guard draft.addressHashes.count <= RecordHeader.maxCount, draft.meta.count <= Int32.max, draft.body.count <= Int32.max else {
                return nil
            }
            bytes += draft.storedBytes
        }
        return bytes
    }
}

/// Completions on their way to their loops: one job for each loop.
struct CompletionList {
    private var lists: [(loop: any Loop, jobs: [Job])] = []

    // Not the whole append: what was written is freed on the thread that wrote it.
    private struct Job: Sendable {
        let completion: @Sendable (Result<AppendReceipt, StorageError>) -> Void
        let result: Result<AppendReceipt, StorageError>
    }

    mutating func add(_ append: PendingAppend, _ result: Result<AppendReceipt, StorageError>) {
        add(Job(completion: append.completion, result: result), for: append.loop)
        if let witness = append.witness { add(Job(completion: witness.completion, result: result), for: witness.loop) }
    }

    private mutating func add(_ job: Job, for loop: any Loop) {
        for index in lists.indices where lists[index].loop === loop {
            lists[index].jobs.append(job)
            return
        }
        lists.append((loop, [job]))
    }

    /// Hands all of them over.
    func deliver() {
        for (loop, jobs) in lists {
            loop.execute { for job in jobs { job.completion(job.result) } }
        }
    }
}
