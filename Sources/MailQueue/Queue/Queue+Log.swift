import Events
import MessageFormat
import Ports
import Storage

/// A checkpoint on its way: written page by page while the queue goes on.
struct CheckpointWalk {
    let writer: CheckpointWriter
    var next: UInt32 = 0
}

extension Queue: LogOwner {
    /// Messages in one chunk of a checkpoint: a millisecond's work.
    private static let pageSize: UInt32 = 1024
    /// Bytes after which a chunk takes no more messages: a thousand recipients of each would make it too large for the log.
    private static let pageBytes = 1 << 20

    public func checkpointDue() {
        guard checkpoint == nil, !isCheckpointBeginning else { return }
        isCheckpointBeginning = true
        // When a synced append is completed, so is everything before it: its number is exactly how far the memory is.
        mark { receipt in
            self.isCheckpointBeginning = false
            guard let receipt else { return }
            let through = receipt.lastLSN
            let writer = self.log.beginCheckpoint(through: through)
            self.checkpoint = CheckpointWalk(writer: writer)
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
        var slot = walk.next
        while slot < end, bytes.bytes.count < Queue.pageBytes {
            if table.isOccupied(slot) { write(slot, &bytes) }
            slot += 1
        }
        checkpoint?.next = slot
        walk.writer.write(bytes.bytes, on: core) { self.writePage() }
    }

    // What the pages say may be ahead of `through`; all of it must be on the disk before the checkpoint counts.
    // Memory is ahead of the log, too, while a result waits that was refused: its bounce must not be forgotten.
    private func finishCheckpoint(_ writer: CheckpointWriter) {
        mark { receipt in
            guard receipt != nil, self.refusedAppends == 0 else {
                writer.cancel()
                self.checkpoint = nil
                return
            }
            writer.finish(on: self.core) { _ in self.checkpoint = nil }
        }
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
        return bytes.bytes
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

    public func livePositions(in segments: Set<UInt32>) -> [RecordPosition] {
        var live: [RecordPosition] = []
        guard let lowest = segments.min(), let highest = segments.max() else { return live }
        func add(_ position: RecordPosition) {
            // A million positions are asked about: the set is looked at for those in question only.
            guard position.segment >= lowest, position.segment <= highest else { return }
            if segments.contains(position.segment) { live.append(position) }
        }
        for slot in 0..<table.bound where table.isOccupied(slot) {
            let message = table[slot]
            add(message.position)
            if message.lastEventBytes > 0 { add(message.lastEvent) }
            if message.extra != .none { for chunk in table.chunks(of: slot) { add(chunk.position) } }
        }
        for upload in uploads.values { for chunk in upload.chunks { add(chunk.position) } }
        return live
    }

    public func moved(_ moves: [RecordMove]) {
        let places = Dictionary(moves.map { ($0.from, $0.to) }, uniquingKeysWith: { $1 })
        func move(_ position: inout RecordPosition, _ bytes: UInt32) {
            guard let new = places[position] else { return }
            log.retain(new, bytes: Int(bytes))
            log.release(position, bytes: Int(bytes))
            position = new
        }
        let segments = Set(moves.map(\.from.segment))
        guard let lowest = segments.min(), let highest = segments.max() else { return }
        func isConcerned(_ position: RecordPosition) -> Bool { position.segment >= lowest && position.segment <= highest }
        for slot in 0..<table.bound where table.isOccupied(slot) {
            let message = table[slot]
            if isConcerned(message.position) { move(&table[slot].position, message.storedBytes) }
            if message.lastEventBytes > 0, isConcerned(message.lastEvent) { move(&table[slot].lastEvent, message.lastEventBytes) }
            guard message.extra != .none else { continue }
            for index in table.extras[message.extra].chunks.indices {
                let bytes = table.extras[message.extra].chunks[index].storedBytes
                move(&table.extras[message.extra].chunks[index].position, bytes)
            }
        }
        for id in uploads.keys.sorted() {
            for index in uploads[id]?.chunks.indices ?? 0..<0 {
                guard var chunk = uploads[id]?.chunks[index] else { continue }
                move(&chunk.position, chunk.storedBytes)
                uploads[id]?.chunks[index] = chunk
            }
        }
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
