import Events
import MessageFormat
import Ports
import SMTP
import Storage

extension Queue {
    /// Does to every message that the filter names what an operator wants; answers on `loop`.
    ///
    /// Up to `QueueSettings.operationGroup` messages are one group in the log: a crash leaves it done to all of them or to
    /// none. More are done group after group; `progress` hears after each but the last. Works in steps, so that a million
    /// messages do not hold the loop up; what comes in meanwhile may or may not be met.
    public func perform(_ operation: QueueOperation, on filter: QueueFilter, mode: OperationMode, replyOn loop: any Loop,
                        progress: @escaping @Sendable (OperationResult) -> Void = { _ in },
                        completion: @escaping @Sendable (OperationResult) -> Void) {
        core.run {
            let run = OperationRun(self, operation, filter, mode) { result in loop.run { progress(result) } }
            run.begin { result in loop.run { completion(result) } }
        }
    }

    /// Whether a message is being delivered, or its end is being recorded.
    func isUnderWay(_ slot: UInt32) -> Bool {
        table.entries(of: slot).contains { link in
            let state = scheduler.entry(link.entry)?.state
            return state == .inFlight || state == .leaving
        }
    }

    func forEachEntry(_ slot: UInt32, _ body: (EntryID) -> Void) {
        for link in table.entries(of: slot) { body(link.entry) }
    }

    /// Keeps a message from being tried, and from other operations, while one is being recorded.
    func freeze(_ slot: UInt32) {
        table[slot].flags.insert(.busy)
        forEachEntry(slot) { _ = scheduler.hold($0, now: core.now) }
    }

    /// Lets a message that is still there be tried again as its hold says.
    func thaw(_ slot: UInt32) {
        table[slot].flags.remove(.busy)
        if table[slot].hold == nil { forEachEntry(slot) { _ = scheduler.release($0, now: core.now) } }
    }

    // MARK: What an operation means for one message

    /// Keeps it from being tried.
    func stepOfHold(_ slot: UInt32) -> OperationStep {
        step(slot, .held(.operatorRequest)) { queue in
            queue.table[slot].hold = .operatorRequest
            queue.thaw(slot)
        }
    }

    /// Lets a held message go on.
    func stepOfRelease(_ slot: UInt32) -> OperationStep {
        step(slot, .released) { queue in
            queue.table[slot].hold = nil
            queue.table[slot].crashes = 0
            queue.thaw(slot)
        }
    }

    /// Tries it now.
    func stepOfRetry(_ slot: UInt32) -> OperationStep {
        step(slot, .retryRequested) { queue in
            queue.table[slot].flags.remove(.busy)
            queue.forEachEntry(slot) { _ = queue.scheduler.retryNow($0, now: queue.core.now) }
        }
    }

    /// Takes it away without telling its sender.
    func stepOfRemoval(_ slot: UInt32) -> OperationStep {
        step(slot, .removed(recipients: waitingRecipients(slot).sorted())) { queue in
            queue.table[slot].flags.remove(.busy)
            for link in queue.table.entries(of: slot) where queue.drop(link.entry, slot, feedback: .none) { break }
        }
    }

    private func step(_ slot: UInt32, _ detail: MailEvent.Detail, _ comeTrue: @escaping (Queue) -> Void) -> OperationStep {
        let event = MailEvent(message: table[slot].id, time: core.now, detail: detail)
        return OperationStep(slot: slot, id: event.message, drafts: [event.draft]) { queue, _ in
            queue.tell(event, nil)
            comeTrue(queue)
        }
    }

    /// Gives it up with a bounce to its sender; nil where the log does not give the message back.
    func stepOfBounce(_ slot: UInt32, done: @escaping @Sendable (OperationStep?) -> Void) {
        load(slot) { message in
            guard let message else { return done(nil) }
            self.readLastResult(slot) { last in
                let attempt: AttemptResult? = if case .attempted(let result) = last?.detail { result } else { nil }
                let conclusions = self.endings(slot, message, attempt)
                self.readReturned(of: message, slot) { returned in
                    self.signed(conclusions.map { Ending($0, returned, self) }) { done(Queue.stepOfBounce(slot, message.id, $0)) }
                }
            }
        }
    }

    private static func stepOfBounce(_ slot: UInt32, _ id: QueueID, _ endings: [Ending]) -> OperationStep {
        let drafts = endings.flatMap { [$0.event.draft] + $0.consequences.drafts }
        return OperationStep(slot: slot, id: id, drafts: drafts) { queue, receipt in
            queue.table[slot].flags.remove(.busy)
            var place = 0
            for ending in endings {
                let next = place + 1 + ending.consequences.drafts.count
                queue.applied(ending.conclusion, ending.event, ending.consequences, receipt.positions[place..<next],
                              drafts[place..<next].map(\.storedBytes), isLast: true)
                place = next
            }
        }
    }

    /// Has the reports of several endings signed, in one go.
    private func signed(_ endings: [Ending], done: @escaping @Sendable ([Ending]) -> Void) {
        guard let signing = settings.reportSigning, endings.contains(where: { !$0.consequences.reports.isEmpty }) else { return done(endings) }
        sign(endings.flatMap(\.consequences.reports), by: signing) { reports in
            var rest = reports[...]
            done(endings.map { ending in
                var signed = ending
                signed.consequences.reports = Array(rest.prefix(ending.consequences.reports.count))
                rest = rest.dropFirst(ending.consequences.reports.count)
                return signed
            })
        }
    }

    /// The end that an operator wants for every recipient of a message that waits.
    private func endings(_ slot: UInt32, _ message: AcceptedMessage, _ last: AttemptResult?) -> [Conclusion] {
        table.entries(of: slot).compactMap { link in
            guard let state = scheduler.entry(link.entry) else { return nil }
            let results = table.recipients(of: EntryPayload(rawValue: state.payload)).map { recipient in
                RecipientResult(recipient: recipient, outcome: .bounced(Queue.operatorDiagnosis(last?.diagnosis(of: recipient))))
            }
            return Conclusion(entry: link.entry, slot: slot, message: message, attempts: state.attempts, host: last?.host,
                              time: core.now, results: results)
        }
    }

    private static func operatorDiagnosis(_ last: Diagnosis?) -> Diagnosis {
        var diagnosis = Diagnosis(status: .init(5, 0, 0), explanation: "An operator of this mail system ended the delivery.",
                                  bounceClass: .operatorRequest)
        diagnosis.reply = last?.reply
        return diagnosis
    }

    /// Bounces a message that no group can take, entry by entry and each of them in as many parts as the log needs.
    func bounceInParts(_ slot: UInt32, done: @escaping @Sendable (Bool) -> Void) {
        let entries = table.entries(of: slot).map(\.entry)
        let id = table[slot].id
        let count = Countdown(entries.count) { isWritten in
            if self.table.slot(of: id) == slot { self.thaw(slot) }
            done(isWritten)
        }
        for entry in entries {
            settle(entry) { recipients, last in
                (recipients.map { RecipientResult(recipient: $0, outcome: .bounced(Queue.operatorDiagnosis(last?.diagnosis(of: $0)))) },
                 last?.host)
            } done: { count.one($0) }
        }
    }
}

/// The end of an entry by an operator, and what follows from it.
private struct Ending: Sendable {
    let conclusion: Conclusion
    let event: MailEvent
    var consequences: Consequences

    init(_ conclusion: Conclusion, _ returned: ReportComposer.Returned?, _ queue: Queue) {
        self.conclusion = conclusion
        event = MailEvent(message: conclusion.message.id, time: conclusion.time, detail: .attempted(AttemptResult(
            number: conclusion.number, host: conclusion.host, duration: .zero, results: conclusion.final,
            noticesGiven: queue.scheduler.entry(conclusion.entry)?.noticesGiven ?? 0)))
        consequences = Consequences(conclusion, returned, queue)
    }
}

/// Calls once when all of several things have ended; on the core loop.
private final class Countdown: @unchecked Sendable {
    private var left: Int
    private var isGood = true
    private let done: @Sendable (Bool) -> Void

    init(_ count: Int, done: @escaping @Sendable (Bool) -> Void) {
        left = count
        self.done = done
        if count == 0 { done(true) }
    }

    func one(_ isGood: Bool) {
        self.isGood = self.isGood && isGood
        left -= 1
        if left == 0 { done(self.isGood) }
    }
}
