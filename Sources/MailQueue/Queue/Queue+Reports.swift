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
        let isWhole = envelope.returnContent != .headers && envelope.size <= UInt64(max(0, settings.maxReturnedContent))
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

    /// Tells the sender that recipients are delayed, where it wants to hear that.
    func notifyDelay(_ entry: EntryID) {
        guard let slot = slot(of: entry) else { return }
        let id = table[slot].id
        load(slot) { message in
            guard let message, self.table.slot(of: id) == slot else { return }
            self.readLastResult(slot) { last in
                guard self.table.slot(of: id) == slot else { return }
                self.readReturned(of: message, slot) { returned in
                    guard self.table.slot(of: id) == slot else { return }
                    self.sendDelayNotice(entry, message, last, returned)
                }
            }
        }
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
        let sizes = report.drafts.map(\.storedBytes)
        appendForSure(report.drafts) { receipt, _ in
            self.insert(report, receipt.positions[...], sizes[...])
            self.workArrived?()
        }
    }
}
