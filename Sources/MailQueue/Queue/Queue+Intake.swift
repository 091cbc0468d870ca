import Events
import MessageFormat
import Ports
import SMTP
import Storage
import Synchronization

extension Queue {
    // Never say 250 before the sync; never lose a 250; prefer a duplicate to a loss.
    public func accept(_ submission: Submission, replyOn loop: any Loop,
                       completion: @escaping @Sendable (AcceptResult) -> Void) {
        // Encoded on the caller's loop: the core loop has enough to do.
        let draft = submission.chunkedSize == 0 ? submission.message.draft(chunkSizes: []) : nil
        if let draft, submission.isPlain, hasRoom(for: UInt64(draft.body.count)), room.take() {
            return append(submission.message, draft, replyOn: loop, completion)
        }
        core.run {
            self.admit(submission, draft) { result in loop.run { completion(result) } }
        }
    }

    /// Sends a message that is a group of its own straight to the log, which answers the receiver and the queue side by side:
    /// the receiver waits for one sync, and for no turn of the core loop.
    private func append(_ message: AcceptedMessage, _ draft: RecordDraft, replyOn loop: any Loop,
                        _ completion: @escaping @Sendable (AcceptResult) -> Void) {
        let bytes = draft.storedBytes
        let witness = AppendWitness(on: loop) { result in
            switch result {
            case .success: completion(.accepted(message.id))
            case .failure(let error): completion(.refused(AcceptRefusal(error)))
            }
        }
        log.append([draft], .synced, on: core, witness: witness) { result in
            switch result {
            case .success(let receipt):
                self.statistics.accepted += 1
                self.insert(message, receipt.positions.first, bytes: bytes)
                self.workArrived?()
            case .failure: self.statistics.refused += 1
            }
            self.room.give()
        }
    }

    private func admit(_ submission: Submission, _ draft: RecordDraft?,
                       _ reply: @escaping @Sendable (AcceptResult) -> Void) {
        let id = submission.id
        let upload = uploads[id]
        var refusal = refusal() ?? mismatch(submission, upload)
        if refusal == nil, !room.take() { refusal = .insufficientStorage }
        if let refusal {
            if upload?.isBeingAccepted == false { forgetUpload(id) }
            statistics.refused += 1
            return reply(.refused(refusal))
        }
        let chunks = upload?.chunks ?? []
        let message = submission.message
        let expansion = ReportPlan.expanded(message).flatMap { plan in
            compose(plan, about: message, returning: chunks.isEmpty ? message.body.map { body in
                ReportComposer.Returned(bytes: message.prefix + body, isWhole: false)
            } : nil)
        }
        // The parts stay known until the message is: a checkpoint that begins before that must name them.
        uploads[id]?.isBeingAccepted = true
        let first = draft ?? message.draft(chunkSizes: chunks.map(\.size))
        guard let expansion, let signing = settings.reportSigning else { return write(submission, first, expansion, reply) }
        sign([expansion], by: signing) { self.write(submission, first, $0.first, reply) }
    }

    private func write(_ submission: Submission, _ first: RecordDraft, _ expansion: ReportComposer.Report?,
                       _ reply: @escaping @Sendable (AcceptResult) -> Void) {
        let id = submission.id, message = submission.message
        var group = expansion.map { [first] + $0.drafts } ?? [first]
        let held = submission.hold.map { MailEvent(message: id, time: core.now, detail: .held($0)) }
        // In one group with the message: a crash between the two must not let it go.
        if let held { group.append(held.draft) }
        let sizes = group.map(\.storedBytes)
        log.append(group, .synced, on: core) { result in
            defer { self.room.give() }
            switch result {
            case .success(let receipt):
                let upload = self.uploads.removeValue(forKey: id)
                self.statistics.accepted += 1
                self.statistics.uncommitted &-= upload?.size ?? 0
                self.insert(message, receipt.positions.first, bytes: sizes.first, chunks: upload?.chunks ?? [], hold: submission.hold)
                if let held { self.tellHeld(held) }
                if let expansion { self.insert(expansion, receipt.positions.dropFirst(), sizes.dropFirst()) }
                reply(.accepted(message.id))
                self.workArrived?()
            case .failure(let error):
                self.forgetUpload(id)
                self.statistics.refused += 1
                reply(.refused(AcceptRefusal(error)))
            }
        }
    }

    /// Tells of a message that was held as it came: its body need not wait in memory.
    private func tellHeld(_ event: MailEvent) {
        if let slot = table.slot(of: event.message) { unkeep(slot, all: true) }
        tell(event, nil)
    }

    public func hasRoom(for octets: UInt64) -> Bool {
        let capacity = log.capacity
        guard capacity.state == .open || capacity.state == .outOfSpace, !room.isFull else { return false }
        // Half as much again: the log keeps records in segments, and others write too.
        let (need, overflow) = octets.addingReportingOverflow(octets / 2)
        guard !overflow, capacity.freeBytes >= max(need, room.minFreeBytes.load(ordering: .relaxed)) else {
            core.run { self.probeSpace() }
            return false
        }
        return true
    }

    /// Why nothing can be taken at the moment.
    ///
    /// A log without space is asked all the same: only appends make it find out that there is space again.
    private func refusal() -> AcceptRefusal? {
        guard logState == .open || logState == .outOfSpace, !room.isFull else {
            return .insufficientStorage
        }
        guard log.capacity.freeBytes < settings.minFreeBytes else {
            noteDisk(isShort: false)
            return nil
        }
        probeSpace()
        return .insufficientStorage
    }

    /// The log looks at the disk while it is in use, and refusals keep it from being used.
    private func probeSpace() {
        guard core.now >= nextSpaceProbe else { return }
        nextSpaceProbe = core.now + .seconds(1)
        log.append([], .unsynced, on: core) { _ in
            self.noteDisk(isShort: self.log.capacity.freeBytes < self.settings.minFreeBytes)
        }
    }

    /// With too little room the log gives back what it can, at every look.
    private func noteDisk(isShort: Bool) {
        guard isShort || isDiskShort else { return }
        isDiskShort = isShort
        log.setDiskShort(isShort)
    }

    /// A message whose chunks are not all in the log must not become one.
    private func mismatch(_ submission: Submission, _ upload: Upload?) -> AcceptRefusal? {
        guard submission.chunkedSize > 0 else { return nil }
        guard let upload, upload.size == submission.chunkedSize, upload.pending == 0, !upload.hasFailed, !upload.isBeingAccepted else {
            return .storageFailure
        }
        return nil
    }

    // MARK: Large bodies

    public func appendChunk(_ id: QueueID, _ bytes: [UInt8], replyOn loop: any Loop,
                            completion: @escaping @Sendable (ChunkResult) -> Void) {
        core.run {
            self.take(id, bytes) { result in loop.run { completion(result) } }
        }
    }

    private func take(_ id: QueueID, _ bytes: [UInt8], _ reply: @escaping @Sendable (ChunkResult) -> Void) {
        let size = UInt64(bytes.count)
        if statistics.uncommitted + size > settings.maxUncommittedTotal { forgetStaleUploads() }
        var upload = uploads[id] ?? Upload(lastActivity: core.now)
        guard refusal() == nil, !upload.isBeingAccepted, size <= UInt64(UInt32.max), upload.size + size <= settings.maxUncommitted,
              statistics.uncommitted + size <= settings.maxUncommittedTotal else {
            return reply(.refused(.insufficientStorage))
        }
        let index = UInt32(clamping: upload.chunks.count + upload.pending)
        let draft = RecordDraft(kind: RecordKind.bodyChunk.rawValue, version: RecordKind.version, isCritical: true,
                                messageKey: id.rawValue, meta: ChunkRecord(message: id, index: index).encoded, body: bytes)
        let stored = UInt32(clamping: draft.storedBytes)
        upload.size += size
        upload.pending += 1
        upload.lastActivity = core.now
        uploads[id] = upload
        statistics.uncommitted += size
        log.append([draft], .unsynced, on: core) { result in
            self.chunkWritten(id, result, ChunkLink(position: RecordPosition(segment: 0, offset: 0),
                                                    size: UInt32(clamping: size), storedBytes: stored), reply)
        }
    }

    private func chunkWritten(_ id: QueueID, _ result: Result<AppendReceipt, StorageError>, _ link: ChunkLink,
                              _ reply: @Sendable (ChunkResult) -> Void) {
        switch result {
        case .success(let receipt):
            var link = link
            guard let position = receipt.positions.first else { return reply(.refused(.storageFailure)) }
            link.position = position
            // Abandoned meanwhile: nobody will ever retain it.
            guard uploads[id] != nil else { return reply(.taken) }
            log.retain(position, bytes: Int(link.storedBytes))
            uploads[id]?.chunks.append(link)
            uploads[id]?.pending -= 1
            reply(.taken)
        case .failure(let error):
            uploads[id]?.pending -= 1
            uploads[id]?.hasFailed = true
            reply(.refused(AcceptRefusal(error)))
        }
    }

    public func abandon(_ id: QueueID) {
        core.run {
            // One that is being accepted belongs to the log's answer.
            if self.uploads[id]?.isBeingAccepted == false { self.forgetUpload(id) }
        }
    }

    private func forgetUpload(_ id: QueueID) {
        guard let upload = uploads.removeValue(forKey: id) else { return }
        for chunk in upload.chunks { log.release(chunk.position, bytes: Int(chunk.storedBytes)) }
        statistics.uncommitted &-= upload.size
    }

    /// Parts whose receiver forgot to abandon them: no session lets this long pass between two parts.
    private func forgetStaleUploads() {
        let limit = core.now - .minutes(30)
        let stale = uploads.filter { $0.value.lastActivity < limit && $0.value.pending == 0 && !$0.value.isBeingAccepted }
        for id in stale.keys.sorted() { forgetUpload(id) }
    }

    // MARK: New messages

    /// Takes a message that is in the log into the table and the schedule.
    func insert(_ message: AcceptedMessage, _ position: RecordPosition?, bytes: Int?, chunks: [ChunkLink] = [],
                hold: HoldReason? = nil) {
        guard let position, let bytes else { return }
        let envelope = message.envelope
        log.retain(position, bytes: bytes)
        let groups = RecipientGroup.groups(of: envelope, by: routes)
        guard let first = groups.first else { return }
        var record = QueuedMessage(
            id: message.id, position: position, storedBytes: UInt32(clamping: bytes), size: UInt32(clamping: envelope.size),
            sender: table.senders.retain(envelope.reversePath), host: .none,
            recipientHash: UInt32(truncatingIfNeeded: AddressHash.of(envelope.recipients[Int(first.recipients[0])].address)),
            arrivalSeconds: envelope.arrival.wholeSecond, entry: EntryID(index: .none, generation: 0))
        if envelope.reversePath == .null { record.flags.insert(.nullSender) }
        if envelope.origin.reportOn != nil { record.flags.insert(.report) }
        record.hold = hold
        let isSimple = groups.count == 1 && chunks.isEmpty
        if !isSimple { record.extra = table.extras.allocate { _ in MessageExtra(entries: [], chunks: chunks) } }
        let slot = table.insert(record)
        updateRoom()
        for group in groups {
            let host = table.hosts.retain(group.host)
            let entry = schedule(slot, group, envelope)
            if isSimple {
                table[slot].entry = entry
                table[slot].host = host
            } else {
                table.extras[table[slot].extra].entries.append(EntryLink(entry: entry, host: host))
            }
        }
        if chunks.isEmpty { keep(message, slot, entries: groups.count) }
        if observer != nil {
            tell(MailEvent(message: message.id, time: envelope.arrival, detail: .accepted(envelope)), envelope)
        }
    }

    private func schedule(_ slot: UInt32, _ group: RecipientGroup, _ envelope: Envelope) -> EntryID {
        let payload = table.payload(slot: slot, recipients: group.recipients)
        var draft = EntryDraft(message: table[slot].id.rawValue, payload: payload.rawValue, destination: group.destination,
                               sender: Queue.senderKey(envelope), arrival: envelope.arrival)
        draft.cost = EntryDraft.cost(recipients: group.recipients.count, bytes: Int(clamping: envelope.size))
        draft.due = envelope.notBefore
        draft.isBounce = envelope.reversePath == .null
        draft.isHeld = table[slot].hold != nil
        return scheduler.insert(draft, now: core.now)
    }

    /// Whose fair share a message counts against: the account, else the domain of the sender, else the client.
    static func senderKey(_ envelope: Envelope) -> SenderKey {
        if let account = envelope.origin.account { return SenderKey(account) }
        switch envelope.reversePath {
        case .mailbox(let address):
            if case .domain(let domain) = address.host { return SenderKey(domain.ascii) }
            return SenderKey(address.host.description)
        case .null: return SenderKey("<>")
        }
    }

    /// Keeps a message in memory for its first attempts while the budget lasts.
    private func keep(_ message: AcceptedMessage, _ slot: UInt32, entries: Int) {
        guard statistics.bodyMemory + message.memory <= settings.bodyMemory else { return }
        statistics.bodyMemory += message.memory
        kept[slot] = KeptMessage(message: message, firstAttempts: entries)
    }

    /// One first attempt is over, or all of them with `all`.
    func unkeep(_ slot: UInt32, all: Bool = false) {
        guard var item = kept[slot] else { return }
        item.firstAttempts -= 1
        if all || item.firstAttempts <= 0 {
            statistics.bodyMemory -= item.message.memory
            kept[slot] = nil
        } else {
            kept[slot] = item
        }
    }
}

extension AcceptRefusal {
    /// Want of space is the client's to wait out; a failed write may already be over when it tries again.
    init(_ error: StorageError) {
        switch error {
        case .full, .noSpace, .failed, .tooLarge, .closed: self = .insufficientStorage
        case .notStored, .gone, .damaged, .unreadable: self = .storageFailure
        }
    }
}
