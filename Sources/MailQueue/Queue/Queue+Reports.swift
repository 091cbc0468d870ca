import Events
import Ports
import SMTP
import Storage

extension Queue {
    /// Makes the notification of a plan.
    func compose(_ plan: ReportPlan, about message: AcceptedMessage,
                 returning returned: ReportComposer.Returned?) -> ReportComposer.Report? {
        ReportComposer(settings: settings, now: core.now).compose(plan, about: message, returned: returned, id: mint.next())
    }

    /// Has notifications signed, which takes a while, and goes on with them here.
    func sign(_ reports: [ReportComposer.Report], by signing: ReportSigning, done: @escaping @Sendable ([ReportComposer.Report]) -> Void) {
        signing.sign(reports, from: settings.sender, on: core, completion: done)
    }

    /// Takes a notification that is in the log into the queue; positions and sizes are those of its two records.
    func insert(_ report: ReportComposer.Report, _ positions: ArraySlice<RecordPosition>, _ sizes: ArraySlice<Int>) {
        statistics.reports += 1
        insert(report.message, positions.first, bytes: sizes.first)
        if observer != nil { tell(report.event, nil) }
    }

    /// Reads what a notification returns of the message (RFC 3461 §4.3); nil where it is not to be had.
    func readReturned(of message: AcceptedMessage, _ slot: UInt32,
                      done: @escaping @Sendable (ReportComposer.Returned?) -> Void) {
        let envelope = message.envelope
        // A way back without TLS must not show what was not to go without (RFC 8689 §5).
        let isWhole = envelope.returnContent != .headers && !envelope.requireTLS
            && envelope.size <= UInt64(max(0, settings.maxReturnedContent))
        let content = content(of: message, slot)
        guard !content.parts.isEmpty else { return done(ReportComposer.Returned(bytes: content.prefix, isWhole: isWhole)) }
        content.read(part: 0, on: core) { result in
            guard case .success(let bytes) = result else { return done(nil) }
            // One part is the whole message when it is small enough to be returned.
            done(ReportComposer.Returned(bytes: content.prefix + bytes, isWhole: isWhole && content.parts.count == 1))
        }
    }

    /// Reads what the last attempt came to; nil before the first, or when the log does not give it back.
    func readLastResult(_ slot: UInt32, done: @escaping @Sendable (MailEvent?) -> Void) {
        guard table.isOccupied(slot), table[slot].lastEventBytes > 0 else { return done(nil) }
        let message = table[slot]
        log.read(message.lastEvent, expectedBytes: Int(message.lastEventBytes), on: core) { result in
            guard case .success(let record) = result, record.messageKey == message.id.rawValue,
                  record.kind == RecordKind.attempted.rawValue, record.version == RecordKind.version else { return done(nil) }
            done((try? MailEvent(kind: .attempted, decoding: record.meta[...])) ?? nil)
        }
    }

    /// Notices being made at a time: a million that are due at once must not all be read at once.
    private static let maxNoticesAtOnce = 64

    /// Tells the sender that recipients are delayed, where it wants to hear that.
    func notifyDelay(_ entry: EntryID) {
        notices.waiting.append(entry)
        startNotices()
    }

    private func startNotices() {
        while notices.running < Queue.maxNoticesAtOnce, let entry = notices.next() {
            guard let slot = slot(of: entry) else { continue }
            let id = table[slot].id
            notices.running += 1
            load(slot) { message in
                guard let message, self.table.slot(of: id) == slot else { return self.noticeEnded() }
                self.readLastResult(slot) { last in
                    guard self.table.slot(of: id) == slot else { return self.noticeEnded() }
                    self.readReturned(of: message, slot) { returned in
                        if self.table.slot(of: id) == slot { self.sendDelayNotice(entry, message, last, returned) }
                        self.noticeEnded()
                    }
                }
            }
        }
    }

    private func noticeEnded() {
        notices.running -= 1
        // Not from within: messages in memory would make it a recursion.
        if notices.running == Queue.maxNoticesAtOnce - 1 { core.execute { self.startNotices() } }
    }

    private func sendDelayNotice(_ id: EntryID, _ message: AcceptedMessage, _ last: MailEvent?,
                                 _ returned: ReportComposer.Returned?) {
        guard let entry = scheduler.entry(id), entry.message == message.id.rawValue else { return }
        let attempt: AttemptResult? = if case .attempted(let result) = last?.detail { result } else { nil }
        let retry = settings.scheduler.retry
        guard var plan = ReportPlan.delayed(table.recipients(of: EntryPayload(rawValue: entry.payload)), of: message.envelope,
                                            last: attempt, lastTime: last?.time,
                                            until: message.envelope.arrival + retry.lifetime) else { return }
        plan.noticesGiven = entry.noticesGiven
        guard let report = compose(plan, about: message, returning: returned?.header) else { return }
        guard let signing = settings.reportSigning else { return record(report) }
        sign([report], by: signing) { for report in $0 { self.record(report) } }
    }

    private func record(_ report: ReportComposer.Report) {
        let sizes = report.drafts.map(\.storedBytes)
        appendForSure(report.drafts) { receipt, _ in
            self.insert(report, receipt.positions[...], sizes[...])
            self.workArrived?()
        }
    }
}

/// Delay notices that are due.
struct DueNotices {
    var waiting: [EntryID] = []
    var running = 0
    private var first = 0

    /// The next one that waits.
    mutating func next() -> EntryID? {
        guard first < waiting.count else { return nil }
        let entry = waiting[first]
        first += 1
        if first == waiting.count {
            waiting.removeAll(keepingCapacity: first < 1024)
            first = 0
        }
        return entry
    }
}
