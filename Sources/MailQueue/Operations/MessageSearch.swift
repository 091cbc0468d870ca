import Events
import MessageFormat
import Ports
import SMTP
import Storage

/// Walks through the waiting messages that a filter names, in bounded steps, reading the log only where memory cannot tell.
///
/// Confined to the core loop; `@unchecked Sendable` so that jobs of that loop may hold it.
final class MessageSearch: @unchecked Sendable {
    /// Places looked at in one turn of the loop.
    private static let stepSize = 4096
    /// Operations under way before the walk waits for the log.
    private let maxPending: Int
    /// Messages that a result names.
    private static let maxNamed = 1000

    private let queue: Queue
    private let filter: QueueFilter
    private let bound: UInt32
    private var next: UInt32
    /// Places of messages that are named and were not looked at yet, in rising order: they need no walk.
    private var named: ArraySlice<(place: UInt32, id: QueueID)>?
    private var visit: (UInt32) -> Void = { _ in }
    private var done: () -> Void = {}
    private var isStopped = false
    /// Whether there may be more to visit.
    private(set) var isWalking = true
    private var isPaused = false
    /// Operations that have not been recorded yet.
    var pending = 0
    var result = OperationResult()

    init(_ queue: Queue, _ filter: QueueFilter, from start: UInt32 = 0, maxPending: Int = 8192) {
        self.queue = queue
        self.filter = filter
        self.maxPending = maxPending
        next = start
        bound = queue.table.bound
        named = filter.ids.map { ids in
            Set(ids).compactMap { id in queue.table.slot(of: id).map { (place: $0, id: id) } }
                .filter { $0.place >= start }.sorted { $0.place < $1.place }[...]
        }
    }

    /// Where another search would go on.
    var position: UInt32? { next < bound ? next : nil }

    func found(_ id: QueueID) {
        result.count += 1
        if result.messages.count < MessageSearch.maxNamed { result.messages.append(id) }
    }

    /// That many operations have ended.
    func ended(_ count: Int = 1) {
        pending -= count
        if isPaused, pending <= maxPending / 2 {
            isPaused = false
            queue.core.execute { self.step() }
        }
        finishIfDone()
    }

    /// Lets the walk end after the message that is being visited.
    func stop() { isStopped = true }

    /// Calls `visit` for the place of every message that passes; `done` when that and all pending operations are over.
    func forEach(_ visit: @escaping (UInt32) -> Void, done: @escaping () -> Void) {
        self.visit = visit
        self.done = done
        step()
    }

    /// Calls `done` when the operations that are pending now, or will be by then, are over; for use when the walk has ended.
    func whenDone(_ done: @escaping () -> Void) { self.done = done }

    private func step() {
        var looked = 0
        while !isStopped, let slot = nextPlace() {
            looked += 1
            if queue.table.isOccupied(slot), passesInMemory(slot) {
                if needsLog { return check(slot) { self.step() } }
                visit(slot)
            }
            if pending >= maxPending {
                isPaused = true
                return
            }
            if looked >= MessageSearch.stepSize { return queue.core.execute { self.step() } }
        }
        isWalking = false
        finishIfDone()
    }

    private func nextPlace() -> UInt32? {
        guard named != nil else {
            guard next < bound else { return nil }
            defer { next += 1 }
            return next
        }
        while let message = named?.popFirst() {
            next = message.place + 1
            // Its place may be another message's by now.
            if queue.table.slot(of: message.id) == message.place { return message.place }
        }
        next = bound
        return nil
    }

    private func finishIfDone() {
        guard !isWalking, pending == 0 else { return }
        let done = self.done
        self.done = {}
        done()
    }

    // MARK: What memory can tell

    private func passesInMemory(_ slot: UInt32) -> Bool {
        let message = queue.table[slot]
        let age = queue.core.now - Timestamp(second: message.arrivalSeconds)
        if let limit = filter.olderThan, age < limit { return false }
        if let limit = filter.youngerThan, age > limit { return false }
        if let pattern = filter.sender {
            guard let sender = queue.table.senders[message.sender], pattern.matches(sender) else { return false }
        }
        let links = queue.table.entries(of: slot)
        if let state = filter.state, !links.contains(where: { queue.scheduler.entry($0.entry).map(WaitingState.init) == state }) {
            return false
        }
        if let site = filter.site, !links.contains(where: { isAt(site, $0) }) { return false }
        return mayHaveRecipient(message, links)
    }

    private func isAt(_ site: String, _ link: EntryLink) -> Bool {
        if let key = queue.siteKey(of: link.entry), key.description == site || key.holds(host: site) { return true }
        return queue.table.hosts[link.host]?.description == site
    }

    /// Whether a recipient filter can pass; a single recipient is told by its hash, several by their host at most.
    private func mayHaveRecipient(_ message: QueuedMessage, _ links: [EntryLink]) -> Bool {
        switch filter.recipient {
        case nil: return true
        case .null: return false
        case .address(let address):
            guard message.extra == .none, let entry = queue.scheduler.entry(message.entry),
                  EntryPayload(rawValue: entry.payload).set == nil else { return true }
            return message.recipientHash == UInt32(truncatingIfNeeded: AddressHash.of(address))
        case .host(let host):
            // Recipients that share a smart host may be at several hosts: only the envelope knows.
            return links.contains { link in
                queue.table.hosts[link.host] == host
                    || queue.scheduler.entry(link.entry).map { EntryPayload(rawValue: $0.payload).set != nil } ?? false
            }
        }
    }

    // MARK: What only the log can tell

    private var needsLog: Bool { filter.lastReply != nil || filter.recipient != nil || filter.account != nil }

    private func check(_ slot: UInt32, then goOn: @escaping @Sendable () -> Void) {
        let id = queue.table[slot].id
        checkRecipient(slot) { passes in
            guard passes, self.queue.table.slot(of: id) == slot else { return goOn() }
            self.checkReply(slot) { passes in
                if passes, self.queue.table.slot(of: id) == slot { self.visit(slot) }
                if self.pending >= self.maxPending {
                    self.isPaused = true
                    return
                }
                // Never deeper than one turn of the loop, however many messages follow each other from memory.
                self.queue.core.execute { goOn() }
            }
        }
    }

    private func checkRecipient(_ slot: UInt32, _ done: @escaping @Sendable (Bool) -> Void) {
        guard filter.recipient != nil || filter.account != nil else { return done(true) }
        queue.load(slot) { message in
            guard let message else { return done(false) }
            if let account = self.filter.account, message.envelope.origin.account != account { return done(false) }
            guard let pattern = self.filter.recipient else { return done(true) }
            done(self.queue.waitingRecipients(slot).contains { index in
                message.envelope.recipients.indices.contains(Int(index))
                    && pattern.matches(message.envelope.recipients[Int(index)].address)
            })
        }
    }

    private func checkReply(_ slot: UInt32, _ done: @escaping @Sendable (Bool) -> Void) {
        guard let wanted = filter.lastReply.map(MessageSearch.folded) else { return done(true) }
        queue.readLastResult(slot) { event in
            guard case .attempted(let attempt)? = event?.detail else { return done(false) }
            done(attempt.results.contains { result in
                guard let diagnosis = attempt.diagnosis(of: result.recipient) else { return false }
                return MessageSearch.folded((diagnosis.reply?.description ?? "") + " " + diagnosis.explanation).contains(wanted)
            })
        }
    }

    private static func folded(_ text: String) -> String {
        String(decoding: text.utf8.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}

extension AddressPattern {
    func matches(_ address: EmailAddress) -> Bool {
        switch self {
        case .null: false
        case .address(let wanted): AddressHash.of(wanted) == AddressHash.of(address)
        case .host(let host): address.host == host
        }
    }

    func matches(_ reversePath: ReversePath) -> Bool {
        switch reversePath {
        case .null: self == .null
        case .mailbox(let address): matches(address)
        }
    }
}

extension SiteKey {
    /// Whether a host of this name is among those of the site.
    func holds(host: String) -> Bool {
        description.split(separator: ":", maxSplits: 1).last?.split(separator: ",").contains { part in
            part == host || part.hasPrefix(host + ":")
        } ?? false
    }
}

extension WaitingState {
    /// The state of a scheduler's entry in the words of operators.
    init(_ entry: ScheduleEntry) {
        switch entry.state {
        case .unresolved: self = .resolving
        case .scheduled: self = .deferred
        case .ready: self = .ready
        case .inFlight: self = .delivering
        case .leaving, .vacant: self = .settling
        case .held: self = .held
        }
    }
}
