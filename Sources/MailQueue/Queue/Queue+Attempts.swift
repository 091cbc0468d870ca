import Events
import MessageFormat
import Ports
import Storage

extension Queue: DeliveryQueue {
    public func nextStep() -> NextStep {
        if suspects.isActive, core.now >= suspects.deadline { suspects.end() }
        if let ticket = suspects.nextParked() { return .start(ticket) }
        guard logState == .open || logState == .outOfSpace else { return .idle }
        // Settling is bounded by the scheduler, notices are not: let the loop breathe now and then.
        for _ in 0..<64 {
            switch scheduler.next(now: core.now, random: random) {
            case .resolve(let destination):
                if let key = scheduler.key(of: destination) { return .resolve(destination, key) }
            case .start(let entry, let site):
                if let ticket = admit(AttemptTicket(entry: entry, site: site)) { return .start(ticket) }
            case .fail(let entry, let failure): fail(entry, routes.diagnosis(ofFailure: failure))
            case .expire(let entry): expire(entry)
            case .notify(let entry): notifyDelay(entry)
            case .pause: return .pause
            case .sleep(let until): return suspects.isActive ? endTrialSoon(until) : .sleep(until: until)
            case .idle: return suspects.isActive ? endTrialSoon(.distantFuture) : .idle
            }
        }
        return .pause
    }

    public func resolved(_ destination: DestinationID, _ resolution: Resolution, validUntil: Timestamp) {
        scheduler.resolved(destination, resolution, validUntil: validUntil, now: core.now, random: random)
    }

    public func nextTicket(for site: SiteID) -> AttemptTicket? {
        guard logState == .open || logState == .outOfSpace, !suspects.isActive,
              let entry = scheduler.nextForSite(site, now: core.now, random: random) else { return nil }
        return AttemptTicket(entry: entry, site: site)
    }

    public func start(_ ticket: AttemptTicket, ready: @escaping @Sendable (Attempt?) -> Void) {
        guard let slot = slot(of: ticket.entry) else { return ready(nil) }
        if let message = kept[slot]?.message { return begin(ticket, slot, message, ready) }
        load(slot) { message in
            guard let message else {
                self.giveBack(ticket.entry)
                return ready(nil)
            }
            self.begin(ticket, slot, message, ready)
        }
    }

    /// The place of the message that an entry in flight belongs to.
    func slot(of entry: EntryID) -> UInt32? {
        scheduler.entry(entry).map { EntryPayload(rawValue: $0.payload).slot }
    }

    /// The attempt did not come about for a reason of our own.
    private func giveBack(_ entry: EntryID) {
        _ = scheduler.finish(entry, .aborted, feedback: .none, now: core.now, random: random)
        suspects.ended(entry)
        workArrived?()
    }

    private func begin(_ ticket: AttemptTicket, _ slot: UInt32, _ message: AcceptedMessage,
                       _ ready: @escaping @Sendable (Attempt?) -> Void) {
        divide(ticket.entry, slot, message.envelope)
        guard let entry = scheduler.entry(ticket.entry), let destination = scheduler.lookUpDestination(of: ticket.entry) else {
            return ready(nil)
        }
        let number = nextAttemptNumber
        nextAttemptNumber += 1
        let attempt = Attempt(id: AttemptID(rawValue: number), accepted: message, number: UInt32(entry.attempts) + 1,
                              destination: destination, site: ticket.site,
                              recipients: table.recipients(of: EntryPayload(rawValue: entry.payload)),
                              content: content(of: message, slot), started: core.now)
        let running = RunningAttempt(id: number, entry: ticket.entry, slot: slot, message: message, attempt: attempt,
                                     ready: ready, startedAt: nil)
        if starting.isEmpty { core.execute { self.recordStarts() } }
        starting.append(running)
    }

    /// After a reload, recipients that once shared a destination may have several: each gets an entry of its own.
    private func divide(_ id: EntryID, _ slot: UInt32, _ envelope: Envelope) {
        guard let entry = scheduler.entry(id), EntryPayload(rawValue: entry.payload).set != nil,
              let destination = scheduler.lookUpDestination(of: id) else { return }
        let recipients = table.recipients(of: EntryPayload(rawValue: entry.payload))
        var others: [DestinationKey: [UInt16]] = [:]
        var own: [UInt16] = []
        for index in recipients where envelope.recipients.indices.contains(Int(index)) {
            let key = routes.destination(for: envelope.recipients[Int(index)].address.host, from: envelope.reversePath)
            if key == destination { own.append(index) } else { others[key, default: []].append(index) }
        }
        guard !others.isEmpty, !own.isEmpty else { return }
        shrink(id, slot, to: own)
        // In the order of recipients, not of hashes: a seed stands for one history.
        for (key, recipients) in others.sorted(by: { ($0.value.first ?? 0) < ($1.value.first ?? 0) }) {
            guard let first = recipients.first else { continue }
            split(id, slot, recipients, to: key, host: envelope.recipients[Int(first)].address.host, due: nil, isAttempt: false)
        }
    }

    // MARK: The record of the beginning

    /// Records all attempts that are about to begin in one record, so that a crash can be put down to them, then lets them begin.
    private func recordStarts() {
        let batch = starting
        starting = []
        let record = AttemptsStartedRecord(messages: batch.map(\.message.id))
        let draft = RecordDraft(kind: RecordKind.attemptsStarted.rawValue, version: RecordKind.version, isCritical: false,
                                meta: record.encoded)
        append([draft], .unsynced) { receipt in
            for var running in batch {
                guard let receipt else {
                    self.giveBack(running.entry)
                    running.ready(nil)
                    continue
                }
                running.startedAt = receipt.firstLSN
                self.attempts[running.id] = running
                self.statistics.attempts += 1
                running.ready(running.attempt)
            }
        }
    }

    // MARK: Reading back

    /// Reads the message at a place back from the log; `done` gets nil when it cannot be had, and the message is held then.
    ///
    /// The message must be one that cannot leave meanwhile: one of its entries is in flight, or it is marked busy.
    func load(_ slot: UInt32, triesLeft: Int = 3, done: @escaping @Sendable (AcceptedMessage?) -> Void) {
        if let message = kept[slot]?.message { return done(message) }
        guard table.isOccupied(slot) else { return done(nil) }
        let record = table[slot]
        log.read(record.position, expectedBytes: Int(record.storedBytes), on: core) { result in
            guard self.table.isOccupied(slot), self.table[slot].id == record.id else { return done(nil) }
            self.noteRead(slot, result)
            switch result {
            case .success(let stored):
                // Later code takes it for granted that a waiting recipient is one of the envelope.
                if let message = AcceptedMessage(stored, expected: record.id),
                   self.waitingRecipients(slot).allSatisfy({ message.envelope.recipients.indices.contains(Int($0)) }) { return done(message) }
                self.holdUnreadable(slot)
                done(nil)
            case .failure(.gone) where triesLeft > 0: self.load(slot, triesLeft: triesLeft - 1, done: done)
            case .failure: done(nil)
            }
        }
    }

    /// Holds a message that is damaged, and one that the disk goes on refusing to give back.
    private func noteRead(_ slot: UInt32, _ result: Result<LogRecord, StorageError>) {
        let id = table[slot].id
        switch result {
        case .success:
            goodReads += 1
            if !refusedReads.isEmpty { refusedReads[id] = nil }
        case .failure(.damaged): holdUnreadable(slot)
        case .failure(.unreadable):
            var refused = refusedReads[id] ?? RefusedReads(goodReads: goodReads)
            refused.count += 1
            refusedReads[id] = refused
            if refused.isHopeless(goodReads: goodReads) { holdUnreadable(slot) }
        case .failure: break
        }
    }

    /// Keeps a message that the log does not give back from being tried for ever.
    func holdUnreadable(_ slot: UInt32) {
        guard !table[slot].flags.contains(.heldUnreadable) else { return }
        let id = table[slot].id
        table[slot].hold = .unreadable
        for link in table.entries(of: slot) { _ = scheduler.hold(link.entry, now: core.now) }
        observer?.alert(.unreadable(id))
        let event = MailEvent(message: id, time: core.now, detail: .held(.unreadable))
        appendForSure([event.draft]) { _, _ in self.tell(event, nil) }
    }

    /// Bodies up to this size stay in memory with the envelope when a message is read back.
    static let smallBody = 64 << 10

    /// What goes out: parts in memory where they are small, else read when they are sent.
    func content(of message: AcceptedMessage, _ slot: UInt32) -> MessageContent {
        let chunks = table.chunks(of: slot)
        if chunks.isEmpty, let body = message.body { return MessageContent(prefix: message.prefix, body: body) }
        var parts = chunks.map { MessageContent.Part.stored(size: Int($0.size)) }
        if let body = message.body {
            if !body.isEmpty { parts.append(.memory(body)) }
        } else {
            parts.append(.stored(size: message.bodySize))
        }
        let id = message.id
        return MessageContent(prefix: message.prefix, parts: parts) { [weak self] index, loop, completion in
            guard let self else { return completion(.failure(.gone)) }
            self.core.run {
                self.readPart(id, index) { result in loop.run { completion(result) } }
            }
        }
    }

    /// Reads the part of a body: positions are looked up anew each time, since compaction moves records.
    private func readPart(_ id: QueueID, _ index: Int, triesLeft: Int = 3,
                          _ done: @escaping @Sendable (Result<[UInt8], ContentError>) -> Void) {
        guard let slot = table.slot(of: id) else { return done(.failure(.gone)) }
        let chunks = table.chunks(of: slot)
        let (position, bytes) = index < chunks.count ? (chunks[index].position, chunks[index].storedBytes)
            : (table[slot].position, table[slot].storedBytes)
        log.read(position, expectedBytes: Int(bytes), on: core) { result in
            guard let slot = self.table.slot(of: id) else { return done(.failure(.gone)) }
            self.noteRead(slot, result)
            switch result {
            case .success(let record) where record.messageKey == id.rawValue: done(.success(record.body))
            case .failure(.gone) where triesLeft > 0: self.readPart(id, index, triesLeft: triesLeft - 1, done)
            case .success:
                self.holdUnreadable(slot)
                done(.failure(.damaged))
            case .failure: done(.failure(.damaged))
            }
        }
    }
}

/// Reads of one message that the disk refused without one that succeeded in between.
struct RefusedReads {
    /// As many as show that it is this message, when others can be read.
    private static let limit = 5
    /// As many as show it when nothing else was read meanwhile: some minutes' worth.
    private static let limitAlone = 50

    var count = 0
    private let goodReadsBefore: UInt64

    init(goodReads: UInt64) { goodReadsBefore = goodReads }

    /// Whether it should be left to a person; `goodReads` tells a bad place from a disk that gives nothing back.
    func isHopeless(goodReads: UInt64) -> Bool {
        count >= (goodReads > goodReadsBefore ? RefusedReads.limit : RefusedReads.limitAlone)
    }
}

extension AcceptedMessage {
    /// What a record says, when it is that of the message expected; a larger body is left in the log.
    convenience init?(_ record: LogRecord, expected id: QueueID) {
        guard record.kind == RecordKind.accepted.rawValue, record.version == RecordKind.version,
              let accepted = try? AcceptedRecord(decoding: record.meta[...]), accepted.message == id else { return nil }
        let isSmall = record.body.count <= Queue.smallBody
        self.init(id: id, envelope: accepted.envelope, prefix: accepted.prefix, body: isSmall ? record.body : nil,
                  bodySize: record.body.count, chunkSizes: accepted.chunkSizes)
    }
}
