import Events
import MessageFormat
import Ports
import Storage

/// How much a list tells.
public enum ListDetail: Hashable, Sendable {
    /// What memory knows.
    case brief
    /// Also recipients and last outcomes, which are read from the log.
    case full
}

extension Queue {
    /// Lists up to `limit` messages that pass the filter, from `cursor` on; answers on `loop`.
    public func list(_ filter: QueueFilter, from cursor: PageCursor = .start, limit: Int, detail: ListDetail,
                     replyOn loop: any Loop, completion: @escaping @Sendable (MessagePage) -> Void) {
        core.run {
            let page = PageBuilder(self, filter, cursor, limit: max(1, limit), detail)
            page.build { messages, next in
                let result = MessagePage(messages: messages, next: next)
                loop.run { completion(result) }
            }
        }
    }

    /// Everything about one message; nil when it does not wait here or the log does not give it back. Answers on `loop`.
    public func details(of id: QueueID, replyOn loop: any Loop,
                        completion: @escaping @Sendable (MessageDetails?) -> Void) {
        core.run {
            guard let slot = self.table.slot(of: id) else { return loop.run { completion(nil) } }
            self.load(slot) { message in
                self.readLastResult(slot) { last in
                    guard let message, self.table.slot(of: id) == slot else { return loop.run { completion(nil) } }
                    let details = MessageDetails(summary: self.summary(slot, message, last), envelope: message.envelope,
                                                 prefix: message.prefix)
                    loop.run { completion(details) }
                }
            }
        }
    }

    /// What a list says of a message; recipients and outcomes only where the envelope and the last event are given.
    func summary(_ slot: UInt32, _ message: AcceptedMessage?, _ last: MailEvent?) -> MessageSummary {
        let record = table[slot]
        let attempt: AttemptResult? = if case .attempted(let result)? = last?.detail { result } else { nil }
        return MessageSummary(
            id: record.id, sender: table.senders[record.sender]?.address?.description ?? "",
            arrival: Timestamp(second: record.arrivalSeconds), size: UInt64(record.size),
            entries: table.entries(of: slot).compactMap { summary($0, message, attempt) }, hold: record.hold,
            crashes: record.crashes)
    }

    private func summary(_ link: EntryLink, _ message: AcceptedMessage?, _ last: AttemptResult?) -> EntrySummary? {
        guard let entry = scheduler.entry(link.entry) else { return nil }
        let payload = EntryPayload(rawValue: entry.payload)
        let indexes = table.recipients(of: payload)
        let recipients = message.map { message in
            indexes.filter { message.envelope.recipients.indices.contains(Int($0)) }
                .map { message.envelope.recipients[Int($0)].address.description }
        }
        let outcome = last?.results.first { indexes.contains($0.recipient) }?.outcome
        return EntrySummary(
            recipients: recipients ?? [], recipientCount: indexes.count, host: table.hosts[link.host]?.description ?? "",
            site: siteKey(of: link.entry)?.description, state: WaitingState(entry),
            reason: scheduler.delayReason(link.entry, now: core.now), attempts: Int(entry.attempts),
            nextAttempt: entry.state == .scheduled ? Timestamp(second: entry.dueSeconds) : nil, lastOutcome: outcome)
    }

    /// The site that an entry waits for; nil while that is not known.
    func siteKey(of entry: EntryID) -> SiteKey? { scheduler.site(of: entry).flatMap { scheduler.key(of: $0) } }

    /// Indexes of all recipients of a message that are not final.
    func waitingRecipients(_ slot: UInt32) -> [UInt16] {
        table.entries(of: slot).compactMap { scheduler.entry($0.entry) }.flatMap { entry in
            table.recipients(of: EntryPayload(rawValue: entry.payload))
        }
    }
}

/// Collects one page of a list; confined to the core loop, like the queue that it reads.
private final class PageBuilder: @unchecked Sendable {
    private let queue: Queue
    private let search: MessageSearch
    private let limit: Int
    private let detail: ListDetail
    private var found: [QueueID] = []
    private var messages: [MessageSummary] = []

    init(_ queue: Queue, _ filter: QueueFilter, _ cursor: PageCursor, limit: Int, _ detail: ListDetail) {
        self.queue = queue
        search = MessageSearch(queue, filter, from: cursor.rawValue)
        self.limit = limit
        self.detail = detail
    }

    func build(_ done: @escaping @Sendable ([MessageSummary], PageCursor?) -> Void) {
        search.forEach { slot in
            self.found.append(self.queue.table[slot].id)
            if self.found.count >= self.limit { self.search.stop() }
        } done: {
            self.describe(self.found[...], done)
        }
    }

    private func describe(_ ids: ArraySlice<QueueID>, _ done: @escaping @Sendable ([MessageSummary], PageCursor?) -> Void) {
        var rest = ids
        while let id = rest.popFirst() {
            guard let slot = queue.table.slot(of: id) else { continue }
            if detail == .brief {
                messages.append(queue.summary(slot, nil, nil))
                continue
            }
            let later = rest
            return queue.load(slot) { message in
                self.queue.readLastResult(slot) { last in
                    if self.queue.table.slot(of: id) == slot { self.messages.append(self.queue.summary(slot, message, last)) }
                    self.queue.core.execute { self.describe(later, done) }
                }
            }
        }
        done(messages, search.position.map(PageCursor.init(rawValue:)))
    }
}
