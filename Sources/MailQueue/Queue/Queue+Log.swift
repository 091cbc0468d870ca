import Events
import MessageFormat
import Ports
import Storage

/// A checkpoint on its way: written page by page while the queue goes on.
struct CheckpointWalk {
    let writer: CheckpointWriter
    let questions: QuestionedFiles
    var next: UInt32 = 0
}

extension Queue: LogOwner {
    /// Messages in one chunk of a checkpoint: a millisecond's work.
    private static let pageSize: UInt32 = 1024
    /// Bytes after which a chunk takes no more messages: a thousand recipients of each would make it too large for the log.
    private static let pageBytes = 1 << 20

    public func checkpointDue() {
        // A new checkpoint has the old one forgotten, and with it all that could not be understood.
        guard checkpoint == nil, !isCheckpointBeginning, statistics.unreadable == 0 else { return }
        isCheckpointBeginning = true
        // When a synced append is completed, so is everything before it: its number is exactly how far the memory is.
        mark { receipt in
            self.isCheckpointBeginning = false
            guard let receipt else { return self.endCheckpoint(false) }
            let through = receipt.lastLSN
            let writer = self.log.beginCheckpoint(through: through)
            let walk = CheckpointWalk(writer: writer, questions: QuestionedFiles(writer.questioned))
            self.checkpoint = walk
            // First, since parts that become a message meanwhile may do so in a place that was passed.
            writer.keep(self.uploads.values.flatMap { walk.questions.among($0.chunks.map(\.position)) })
            writer.write(self.runningChunk(through), on: self.core) { self.writePage() }
        }
    }

    private func mark(_ done: @escaping @Sendable (AppendReceipt?) -> Void) {
        let draft = RecordDraft(kind: RecordKind.marker.rawValue, version: RecordKind.version, isCritical: false, meta: [])
        append([draft], .synced, done: done)
    }

    private func writePage() {
        guard let walk = checkpoint else { return }
        let end = min(walk.next.advanced(by: Int(Queue.pageSize)), table.bound)
        guard walk.next < end else { return finishCheckpoint(walk.writer) }
        var bytes = CheckpointBytes(kind: .messages)
        var kept: [RecordPosition] = []
        var slot = walk.next
        while slot < end, bytes.count < Queue.pageBytes {
            if table.isOccupied(slot) {
                write(slot, &bytes)
                bytes.endMessage()
                addPositions(of: slot, in: walk.questions, to: &kept)
            }
            slot += 1
        }
        checkpoint?.next = slot
        walk.writer.keep(kept)
        walk.writer.write(bytes.encoded, on: core) { self.writePage() }
    }

    // What the pages say may be ahead of `through`; all of it must be on the disk before the checkpoint counts.
    // Memory is ahead of the log, too, while a result waits that was refused: its bounce must not be forgotten.
    private func finishCheckpoint(_ writer: CheckpointWriter) {
        mark { receipt in
            guard receipt != nil, self.refusedAppends == 0 else {
                writer.cancel()
                return self.endCheckpoint(false)
            }
            writer.finish(on: self.core) { result in
                if case .success = result { self.endCheckpoint(true) } else { self.endCheckpoint(false) }
            }
        }
    }

    private func endCheckpoint(_ counts: Bool) {
        checkpoint = nil
        checkpointEnded?(counts)
        checkpointEnded = nil
    }

    private func runningChunk(_ through: LSN) -> [UInt8] {
        var bytes = CheckpointBytes(kind: .running)
        // Attempts that began later have their record after `through`, which will be replayed.
        let running = attempts.values.filter { $0.startedAt.map { $0 <= through } ?? false }
        bytes.number(through.incarnation)
        bytes.number(UInt64(running.count))
        for attempt in running.sorted(by: { $0.id < $1.id }) { bytes.fixed(attempt.message.id.rawValue) }
        bytes.number(UInt64(uploads.count))
        for (id, upload) in uploads.sorted(by: { $0.key < $1.key }) {
            bytes.fixed(id.rawValue)
            write(upload.chunks, &bytes)
        }
        bytes.endMessage()
        return bytes.encoded
    }

    private func write(_ chunks: [ChunkLink], _ bytes: inout CheckpointBytes) {
        bytes.number(UInt64(chunks.count))
        for chunk in chunks {
            bytes.fixed(chunk.position.packed)
            bytes.number(chunk.size)
            bytes.number(chunk.storedBytes)
        }
    }

    func write(_ slot: UInt32, _ bytes: inout CheckpointBytes) {
        let message = table[slot]
        bytes.fixed(message.id.rawValue)
        bytes.fixed(message.position.packed)
        bytes.number(message.storedBytes)
        bytes.fixed(message.lastEvent.packed)
        bytes.number(message.lastEventBytes)
        bytes.number(message.size)
        bytes.number(message.recipientHash)
        bytes.number(message.arrivalSeconds)
        bytes.octet(message.flags.rawValue)
        bytes.octet(message.crashes)
        bytes.sender(message.sender) { table.senders[message.sender]?.description ?? "<>" }
        if message.extra == .none {
            bytes.number(UInt64(0))
            bytes.number(UInt64(1))
            write(EntryLink(entry: message.entry, host: message.host), &bytes)
        } else {
            let links = table.entries(of: slot).filter { scheduler.entry($0.entry) != nil }
            write(table.chunks(of: slot), &bytes)
            bytes.number(UInt64(links.count))
            for link in links { write(link, &bytes) }
        }
    }

    private func write(_ link: EntryLink, _ bytes: inout CheckpointBytes) {
        guard let entry = scheduler.entry(link.entry) else { return }
        bytes.host(link.host) { table.hosts[link.host]?.description ?? "" }
        bytes.text(scheduler.lookUpSender(of: link.entry)?.name ?? "")
        bytes.number(entry.dueSeconds)
        bytes.number(entry.attempts)
        bytes.octet(entry.noticesGiven)
        let payload = EntryPayload(rawValue: entry.payload)
        guard payload.set != nil else {
            bytes.number(UInt64(1))
            return bytes.number(payload.recipient)
        }
        let recipients = table.recipients(of: payload)
        bytes.number(UInt64(recipients.count))
        for recipient in recipients { bytes.number(recipient) }
    }

    public func stateChanged(_ state: LogState) {
        guard state != logState else { return }
        logState = state
        switch state {
        case .open: observer?.alert(.logRecovered)
        case .outOfSpace: observer?.alert(.outOfSpace)
        case .failed: observer?.alert(.logFailed)
        case .closed: break
        }
        workArrived?()
    }
}
