import Events
import MessageFormat
import Ports
import SMTP
import Storage

/// Rebuilds the queue from what the log hands out at start: the newest checkpoint, then the records after it.
///
/// Records carry absolute state, so that a record that the checkpoint already reflects does no harm
/// when it is taken again.
public struct QueueRecovery {
    var table = MessageTable()
    var entries = Slab<RecoveredEntry>()
    var senderKeys = Interner<String>()
    private var uploads: [QueueID: [UInt32: ChunkLink]] = [:]
    /// Attempts that had begun and not ended, and the incarnation of the log that they belong to.
    var running: [QueueID: Int] = [:]
    var runningIncarnation: UInt32 = 0
    private let routes: any RouteTable
    /// Texts of the checkpoint that have been parsed before.
    private var knownHosts: [String: MailHost] = [:]
    private var knownSenders: [String: ReversePath] = [:]

    /// Messages that were found.
    public var count: Int { table.count }
    /// Records and messages of the checkpoint that could not be understood; the log keeps them as long as there are any.
    public private(set) var unreadable = 0
    /// The first of them.
    public private(set) var faults: [RecoveryFault] = []
    private static let maxFaults = 10_000
    /// Whether the checkpoint is in a form that this version knows; if not, the process must not go on.
    public private(set) var isCheckpointKnown = true
    /// What is known of how the process ended before.
    public var lastExit = LastExit.unknown

    /// An empty recovery; routes decide which recipients share an entry.
    public init(routes: any RouteTable) { self.routes = routes }

    /// Whether this version reads records of a kind and version; for `Log.open`.
    public static func knows(kind: UInt8, version: UInt8) -> Bool { RecordKind.isKnown(kind: kind, version: version) }

    /// Takes the next thing that the log hands out.
    public mutating func take(_ item: RecoveryItem) {
        switch item {
        case .checkpoint(let chunk): read(chunk)
        case .record(let record):
            do { try apply(record) } catch { note(.record(record)) }
        }
    }

    private mutating func note(_ fault: RecoveryFault) {
        unreadable += 1
        if faults.count < QueueRecovery.maxFaults { faults.append(fault) }
    }

    // MARK: Records

    private mutating func apply(_ record: RecoveredRecord) throws(RecordError) {
        guard let kind = RecordKind(rawValue: record.kind), record.version == RecordKind.version else { return }
        switch kind {
        case .accepted: try accept(record)
        case .bodyChunk: try takeChunk(record)
        case .attemptsStarted:
            runs(in: record.lsn.incarnation)
            for message in try AttemptsStartedRecord(decoding: record.meta[...]).messages { running[message, default: 0] += 1 }
        case .marker, .bounceDropped: break
        case .attempted, .held, .released, .retryRequested, .removed, .reported, .crashed:
            guard let event = try MailEvent(kind: kind, decoding: record.meta[...]) else { return }
            apply(event, record)
        }
    }

    private mutating func accept(_ record: RecoveredRecord) throws(RecordError) {
        // Without a position only the event is left: the message was final when its segment went.
        guard let position = record.position else { return }
        let accepted = try AcceptedRecord(decoding: record.meta[...])
        let envelope = accepted.envelope
        var chunks: [ChunkLink] = []
        var isWhole = true
        if !accepted.chunkSizes.isEmpty {
            if let known = table.slot(of: accepted.message) {
                chunks = table.chunks(of: known)
            } else {
                let parts = uploads.removeValue(forKey: accepted.message) ?? [:]
                chunks = parts.sorted { $0.key < $1.key }.map(\.value)
            }
            isWhole = chunks.map(\.size) == accepted.chunkSizes
        }
        if let known = table.slot(of: accepted.message) { forget(known) }
        let groups = RecipientGroup.groups(of: envelope, by: routes)
        guard let first = groups.first, let recipient = first.recipients.first else { return }
        var message = QueuedMessage(
            id: accepted.message, position: position, storedBytes: UInt32(clamping: record.storedBytes),
            size: UInt32(clamping: envelope.size), sender: table.senders.retain(envelope.reversePath), host: .none,
            recipientHash: UInt32(truncatingIfNeeded: AddressHash.of(envelope.recipients[Int(recipient)].address)),
            arrivalSeconds: envelope.arrival.wholeSecond, entry: EntryID(index: .none, generation: 0))
        if envelope.reversePath == .null { message.flags.insert(.nullSender) }
        if envelope.origin.reportOn != nil { message.flags.insert(.report) }
        if !isWhole { message.hold = .unreadable }
        let sender = Queue.senderKey(envelope).name
        add(message, groups.map { group in
            NewEntry(host: group.host, recipients: group.recipients, sender: sender,
                     due: envelope.notBefore?.deadlineSecond ?? 0, attempts: 0, noticesGiven: 0)
        }, chunks)
    }

    /// What was in flight in an earlier life of the process has been put down to that life's end.
    private mutating func runs(in incarnation: UInt32) {
        if incarnation != runningIncarnation { running = [:] }
        runningIncarnation = incarnation
    }

    private mutating func takeChunk(_ record: RecoveredRecord) throws(RecordError) {
        guard let position = record.position else { return }
        let chunk = try ChunkRecord(decoding: record.meta[...])
        uploads[chunk.message, default: [:]][chunk.index] = ChunkLink(
            position: position, size: UInt32(clamping: record.bodyLength), storedBytes: UInt32(clamping: record.storedBytes))
    }

    private mutating func apply(_ event: MailEvent, _ record: RecoveredRecord) {
        if case .attempted = event.detail, let count = running[event.message] {
            running[event.message] = count > 1 ? count - 1 : nil
        }
        guard let slot = table.slot(of: event.message) else { return }
        switch event.detail {
        case .accepted, .bounceDropped: break
        case .attempted(let attempt):
            table[slot].crashes = 0
            guard apply(attempt, slot), let position = record.position else { return }
            table[slot].lastEvent = position
            table[slot].lastEventBytes = UInt32(clamping: record.storedBytes)
        case .held(let reason): table[slot].hold = reason
        case .released:
            table[slot].hold = nil
            table[slot].crashes = 0
        case .retryRequested:
            for link in table.entries(of: slot) { entries[link.entry.index].due = 0 }
        case .removed(let recipients): _ = end(recipients, slot)
        case .reported(let report):
            guard report.action == .delayed else { return }
            for link in table.entries(of: slot)
            where table.recipients(of: EntryPayload(rawValue: entries[link.entry.index].payload))
                .contains(where: report.recipients.contains) {
                entries[link.entry.index].noticesGiven = report.noticesGiven
            }
        case .crashed(let count): table[slot].crashes = count
        }
    }

    /// Applies the results of an attempt; false when the message has left with them.
    private mutating func apply(_ attempt: AttemptResult, _ slot: UInt32) -> Bool {
        guard end(attempt.results.filter(\.outcome.isFinal).map(\.recipient), slot) else { return false }
        var deferred: [UInt16: UInt32] = [:]
        for result in attempt.results {
            if case .deferred(let until, _) = result.outcome { deferred[result.recipient] = until.deadlineSecond }
        }
        guard !deferred.isEmpty else { return true }
        for link in table.entries(of: slot) {
            let index = link.entry.index
            let recipients = table.recipients(of: EntryPayload(rawValue: entries[index].payload))
            let waiting = recipients.filter { deferred[$0] != nil }
            guard let first = waiting.first, let due = deferred[first] else { continue }
            if waiting.count == recipients.count {
                entries[index].due = due
                entries[index].attempts = UInt16(clamping: attempt.number)
                entries[index].noticesGiven = attempt.noticesGiven
            } else {
                // The others go out at once: these have an entry of their own from here on.
                let sender = senderKeys[entries[index].sender] ?? ""
                set(index, slot, recipients.filter { deferred[$0] == nil })
                guard let host = table.hosts[link.host] else { continue }
                split(slot, NewEntry(host: host, recipients: waiting, sender: sender, due: due,
                                     attempts: UInt16(clamping: attempt.number), noticesGiven: attempt.noticesGiven))
            }
        }
        return true
    }

    // MARK: The table

    struct NewEntry {
        var host: MailHost
        var recipients: [UInt16]
        var sender: String
        var due: UInt32
        var attempts: UInt16
        var noticesGiven: UInt8
    }

    mutating func add(_ message: QueuedMessage, _ new: [NewEntry], _ chunks: [ChunkLink]) {
        var message = message
        let isSimple = new.count == 1 && chunks.isEmpty
        if !isSimple { message.extra = table.extras.allocate { _ in MessageExtra(entries: [], chunks: chunks) } }
        let slot = table.insert(message)
        for entry in new {
            let link = make(entry, slot)
            if isSimple {
                table[slot].entry = link.entry
                table[slot].host = link.host
            } else {
                table.extras[table[slot].extra].entries.append(link)
            }
        }
    }

    private mutating func make(_ new: NewEntry, _ slot: UInt32) -> EntryLink {
        let payload = table.payload(slot: slot, recipients: new.recipients).rawValue
        let sender = senderKeys.retain(new.sender)
        let index = entries.allocate { _ in
            RecoveredEntry(payload: payload, sender: sender, due: new.due, attempts: new.attempts,
                           noticesGiven: new.noticesGiven)
        }
        return EntryLink(entry: EntryID(index: index, generation: 0), host: table.hosts.retain(new.host))
    }

    private mutating func split(_ slot: UInt32, _ new: NewEntry) {
        if table[slot].extra == .none {
            let link = EntryLink(entry: table[slot].entry, host: table[slot].host)
            table[slot].extra = table.extras.allocate { _ in MessageExtra(entries: [link], chunks: []) }
            table[slot].host = .none
        }
        let link = make(new, slot)
        table.extras[table[slot].extra].entries.append(link)
    }

    private mutating func set(_ index: UInt32, _ slot: UInt32, _ recipients: [UInt16]) {
        table.release(EntryPayload(rawValue: entries[index].payload))
        entries[index].payload = table.payload(slot: slot, recipients: recipients).rawValue
    }

    /// Takes final recipients out; false when none is left and the message has gone.
    private mutating func end(_ recipients: [UInt16], _ slot: UInt32) -> Bool {
        guard !recipients.isEmpty else { return true }
        let final = Set(recipients)
        var isLeft = false
        for link in table.entries(of: slot) {
            let index = link.entry.index
            let before = table.recipients(of: EntryPayload(rawValue: entries[index].payload))
            let after = before.filter { !final.contains($0) }
            if after.count == before.count {
                isLeft = true
            } else if after.isEmpty {
                drop(link, slot)
            } else {
                set(index, slot, after)
                isLeft = true
            }
        }
        if !isLeft { forget(slot) }
        return isLeft
    }

    private mutating func drop(_ link: EntryLink, _ slot: UInt32) {
        let extra = table[slot].extra
        // The entry of a simple message goes with the message.
        guard extra != .none else { return }
        discard(link.entry.index)
        table.extras[extra].entries.removeAll { $0.entry == link.entry }
        table.hosts.release(link.host)
    }

    private mutating func discard(_ index: UInt32) {
        table.release(EntryPayload(rawValue: entries[index].payload))
        senderKeys.release(entries[index].sender)
        entries.vacate(index)
    }

    private mutating func forget(_ slot: UInt32) {
        for link in table.entries(of: slot) { discard(link.entry.index) }
        table.remove(slot)
    }

    // MARK: The checkpoint

    private mutating func read(_ chunk: [UInt8]) {
        var reader = CheckpointReader(chunk)
        guard reader.octet() == CheckpointBytes.version else {
            isCheckpointKnown = false
            return note(.part(chunk))
        }
        guard let kind = reader.octet().flatMap(CheckpointChunkKind.init(rawValue:)), reader.readTexts() else {
            return note(.part(chunk))
        }
        while !reader.isAtEnd {
            let reading = reader.message { reader in
                switch kind {
                case .messages: readMessage(&reader)
                case .running: readRunning(&reader)
                }
            }
            switch reading {
            case .understood: break
            case .nonsense(let bytes): note(kind == .messages ? RecoveryFault(message: bytes) : .part(bytes))
            case .rest(let bytes): note(.part(bytes))
            }
        }
    }

    private mutating func readRunning(_ reader: inout CheckpointReader) -> Bool {
        guard let incarnation = reader.number(as: UInt32.self), let attempts = reader.number() else { return false }
        runs(in: incarnation)
        for _ in 0..<attempts {
            guard let id = reader.fixed() else { return false }
            running[QueueID(rawValue: id), default: 0] += 1
        }
        guard let count = reader.number() else { return false }
        for _ in 0..<count {
            guard let id = reader.fixed(), let chunks = readChunks(&reader) else { return false }
            for (index, chunk) in chunks.enumerated() {
                uploads[QueueID(rawValue: id), default: [:]][UInt32(clamping: index)] = chunk
            }
        }
        return true
    }

    private func readChunks(_ reader: inout CheckpointReader) -> [ChunkLink]? {
        guard let count = reader.number() else { return nil }
        var chunks: [ChunkLink] = []
        for _ in 0..<count {
            guard let position = reader.fixed(), let size = reader.number(as: UInt32.self),
                  let stored = reader.number(as: UInt32.self) else { return nil }
            chunks.append(ChunkLink(position: RecordPosition(packed: position), size: size, storedBytes: stored))
        }
        return chunks
    }

    private mutating func readMessage(_ reader: inout CheckpointReader) -> Bool {
        guard let id = reader.fixed(), id != 0, let position = reader.fixed(), let stored = reader.number(as: UInt32.self),
              let lastEvent = reader.fixed(), let lastBytes = reader.number(as: UInt32.self),
              let size = reader.number(as: UInt32.self), let hash = reader.number(as: UInt32.self),
              let arrival = reader.number(as: UInt32.self), let flags = reader.octet(), let crashes = reader.octet(),
              let sender = reader.text(), let chunks = readChunks(&reader), let count = reader.number() else { return false }
        var new: [NewEntry] = []
        for _ in 0..<count {
            guard let entry = readEntry(&reader) else { return false }
            new.append(entry)
        }
        guard let reversePath = reversePath(sender), !new.isEmpty else { return false }
        // A chunk that was written twice, or a message that moved between pages, is taken once.
        if let known = table.slot(of: QueueID(rawValue: id)) { forget(known) }
        var message = QueuedMessage(
            id: QueueID(rawValue: id), position: RecordPosition(packed: position), storedBytes: stored, size: size,
            sender: table.senders.retain(reversePath), host: .none, recipientHash: hash, arrivalSeconds: arrival,
            entry: EntryID(index: .none, generation: 0))
        message.lastEvent = RecordPosition(packed: lastEvent)
        message.lastEventBytes = lastBytes
        message.flags = QueuedMessage.Flags(rawValue: flags).subtracting(.busy)
        message.crashes = crashes
        add(message, new, chunks)
        return true
    }

    private mutating func reversePath(_ text: String) -> ReversePath? {
        if let known = knownSenders[text] { return known }
        // What the configuration's limits once let in must be readable for ever.
        let path = try? PathParser(limits: AddressLimits(localPart: 1 << 14, path: 1 << 14)).reversePath(text)
        knownSenders[text] = path
        return path
    }

    private mutating func host(_ text: String) -> MailHost? {
        if let known = knownHosts[text] { return known }
        let host = try? MailHost(parsing: text)
        knownHosts[text] = host
        return host
    }

    private mutating func readEntry(_ reader: inout CheckpointReader) -> NewEntry? {
        guard let name = reader.text(), let host = host(name), let sender = reader.text(),
              let due = reader.number(as: UInt32.self), let attempts = reader.number(as: UInt16.self),
              let notices = reader.octet(), let count = reader.number() else { return nil }
        var recipients: [UInt16] = []
        for _ in 0..<count {
            guard let recipient = reader.number(as: UInt16.self) else { return nil }
            recipients.append(recipient)
        }
        guard !recipients.isEmpty else { return nil }
        return NewEntry(host: host, recipients: recipients, sender: sender, due: due, attempts: attempts,
                        noticesGiven: notices)
    }
}

/// An entry on its way from the log into the scheduler.
struct RecoveredEntry: SlabElement {
    var payload: UInt64
    var sender: UInt32
    var due: UInt32
    var attempts: UInt16
    var noticesGiven: UInt8

    var nextVacant: UInt32 {
        get { sender }
        set { sender = newValue }
    }
}

/// How the process ended before this start, as far as the bootstrap could find out.
public enum LastExit: Hashable, Sendable {
    /// It was asked to end and did; what was in flight was cut off on purpose.
    case orderly
    /// It was killed, or the machine went down: no message is to blame.
    case killed
    /// It trapped.
    case crashed
    /// Not known: counted as a crash.
    case unknown

    /// Whether messages in flight at the time are suspects.
    var isCrash: Bool {
        switch self {
        case .crashed, .unknown: true
        case .orderly, .killed: false
        }
    }
}
