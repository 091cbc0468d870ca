import Events
import MessageFormat
import Ports
import SMTP
import Storage

extension SharedQueue {
    public func finish(_ attempt: AttemptID, _ report: AttemptReport, written: @escaping @Sendable (Bool) -> Void) {
        guard let running = attempts.removeValue(forKey: attempt.rawValue),
              let number = attemptEntries.removeValue(forKey: attempt.rawValue) else { return written(false) }
        let conclusion = Conclusion(running, report, now: core.now)
        guard conclusion.hasResults else {
            giveUp(number, feedback: conclusion.feedback)
            return written(true)
        }
        conclude(number, conclusion, written)
    }

    // MARK: Ends without an attempt

    /// There is no way to deliver an entry: it bounces.
    func fail(_ entry: EntryID, _ diagnosis: Diagnosis) {
        end(entry) { recipients, _ in
            let diagnosis = BounceClassifier.classified(diagnosis)
            return (recipients.map { RecipientResult(recipient: $0, outcome: .bounced(diagnosis)) }, nil)
        }
    }

    /// The lifetime of an entry is over: it bounces with what the last attempt said.
    func expire(_ entry: EntryID) {
        end(entry) { recipients, last in
            (recipients.map { RecipientResult(recipient: $0, outcome: .expired(Queue.expiry(last?.diagnosis(of: $0)))) }, last?.host)
        }
    }

    private func end(_ entry: EntryID, results: @escaping @Sendable (_ recipients: [UInt16], _ last: AttemptResult?)
                     -> (results: [RecipientResult], host: RemoteHost?)) {
        guard let number = number(of: entry), let held = entries[number], held.work == .none,
              leases.usable(held.kept.place, now: core.now) == held.lease else { return postpone(entry) }
        setWork(number, .attempt)
        store.message(of: held.kept.name, maxBody: Queue.smallBody, on: core) { result in
            guard case .success(let content) = result, let message = AcceptedMessage(content, of: held.kept),
                  let state = self.scheduler.entry(entry) else { return self.giveUp(number) }
            let outcome = results(held.kept.recipients, content.lastAttempt?.result)
            let conclusion = Conclusion(entry: entry, slot: 0, message: message, attempts: state.attempts, host: outcome.host,
                                        time: self.core.now, results: outcome.results)
            self.conclude(number, conclusion) { _ in }
        }
    }

    // MARK: Recording

    private func conclude(_ number: UInt64, _ conclusion: Conclusion, _ written: @escaping @Sendable (Bool) -> Void) {
        guard conclusion.needsContent else { return record(number, conclusion, returned: nil, written) }
        readReturned(of: conclusion.message) { returned in self.record(number, conclusion, returned: returned, written) }
    }

    // The entry's end and what its sender is told of it: one group, under the fence of the place.
    private func record(_ number: UInt64, _ conclusion: Conclusion, returned: ReportComposer.Returned?,
                        _ written: @escaping @Sendable (Bool) -> Void) {
        let consequences = Consequences(conclusion, returned, self)
        sign(consequences.reports) { reports in
            var signed = consequences
            signed.reports = reports
            self.write(number, conclusion, signed, written)
        }
    }

    private func write(_ number: UInt64, _ conclusion: Conclusion, _ consequences: Consequences,
                       _ written: @escaping @Sendable (Bool) -> Void) {
        guard let held = entries[number] else { return written(false) }
        let state = scheduler.entry(conclusion.entry)
        let next = nextState(held, conclusion, state)
        let event = MailEvent(message: conclusion.message.id, time: conclusion.time, detail: .attempted(AttemptResult(
            number: conclusion.number, host: conclusion.host, duration: conclusion.duration,
            results: conclusion.final + next.deferred, noticesGiven: state?.noticesGiven ?? 0)))
        var group = StoreGroup(name: nextGroup(), events: [event.draft])
        for report in consequences.reports { add(report, to: &group) }
        group.events += consequences.dropped.map(\.draft)
        let settlement = Settlement(group: group, lease: held.lease, entry: held.kept.name, change: next.change,
                                    successors: next.successors)
        settle(settlement, refused: { written(false) }) { result, wasRefused in
            // The first refusal has been told already.
            switch result {
            case .success:
                self.applied(number, conclusion, event, consequences, next)
                if !wasRefused { written(true) }
            case .failure(let error):
                self.refused(number, conclusion, event, error)
                if !wasRefused { written(false) }
            }
            self.workArrived?()
        }
    }

    /// What an entry becomes after an attempt.
    struct NextState: Sendable {
        var change = EntryChange.gone
        var successors: [KeptEntry] = []
        var deferred: [RecipientResult] = []
        var until: Timestamp?
    }

    private func nextState(_ held: HeldEntry, _ conclusion: Conclusion, _ state: ScheduleEntry?) -> NextState {
        var next = NextState()
        guard !conclusion.deferred.isEmpty || !conclusion.untried.isEmpty else { return next }
        let recipients = conclusion.deferred.map(\.recipient)
        if !conclusion.deferred.isEmpty {
            let until = core.now + settings.scheduler.retry.wait(afterAttempts: Int(conclusion.number), random: random)
            next.until = until
            next.deferred = conclusion.deferred.map { item in
                RecipientResult(recipient: item.recipient, outcome: .deferred(until: until, item.diagnosis))
            }
        }
        if conclusion.untried.isEmpty {
            next.change = .waits(recipients: recipients, until: next.until, attempts: UInt16(clamping: conclusion.number))
            return next
        }
        next.change = .waits(recipients: conclusion.untried, until: nil, attempts: UInt16(clamping: max(conclusion.number, 1) - 1))
        if let first = recipients.first {
            let host = conclusion.message.envelope.recipients[Int(first)].address.host
            var later = successor(of: held, recipients, host: host, at: held.kept.place, state)
            later.attempts = UInt16(clamping: conclusion.number)
            later.due = next.until
            next.successors = [later]
        }
        return next
    }

    /// The store has it: what it says comes true in memory too.
    private func applied(_ number: UInt64, _ conclusion: Conclusion, _ event: MailEvent, _ consequences: Consequences, _ next: NextState) {
        count(event)
        statistics.reports += UInt64(consequences.reports.count)
        statistics.bouncesDropped += UInt64(consequences.dropped.count)
        if let observer {
            observer.recorded(event, envelope: conclusion.message.envelope)
            for report in consequences.reports { observer.recorded(report.event, envelope: nil) }
            for dropped in consequences.dropped { observer.recorded(dropped, envelope: conclusion.message.envelope) }
        }
        if !consequences.reports.isEmpty || !next.successors.isEmpty { readSoon() }
        guard case .waits(let recipients, _, _) = next.change, entries[number]?.isOrphan == false else {
            return forget(number, feedback: conclusion.feedback)
        }
        entries[number]?.kept.recipients = recipients
        let verdict: AttemptVerdict = if conclusion.untried.isEmpty {
            .deferred(atLeast: next.until.map { $0 - core.now } ?? .zero)
        } else {
            .again
        }
        _ = scheduler.finish(conclusion.entry, verdict, feedback: conclusion.feedback, now: core.now, random: random)
        setWork(number, .none)
    }

    /// The store does not take it: another node has the place, and will find out for itself.
    private func refused(_ number: UInt64, _ conclusion: Conclusion, _ event: MailEvent, _ error: StoreError) {
        let lease = entries[number]?.lease
        forget(number, feedback: conclusion.feedback)
        if error == .fenced, let lease { lost(lease) }
        resultLost?(event, conclusion.message.envelope)
    }

    private func count(_ event: MailEvent) {
        guard case .attempted(let attempt) = event.detail else { return }
        for result in attempt.results {
            switch result.outcome {
            case .delivered, .relayed: statistics.delivered += 1
            case .deferred: statistics.deferred += 1
            case .bounced, .expired: statistics.bounced += 1
            }
        }
    }

    // MARK: Reading back

    /// Reads what a notification returns of the message (RFC 3461 §4.3); nil where it is not to be had.
    func readReturned(of message: AcceptedMessage, done: @escaping @Sendable (ReportComposer.Returned?) -> Void) {
        let envelope = message.envelope
        // A way back without TLS must not show what was not to go without (RFC 8689 §5).
        let isWhole = envelope.returnContent != .headers && !envelope.requireTLS
            && envelope.size <= UInt64(max(0, settings.maxReturnedContent))
        let content = content(of: message)
        guard !content.parts.isEmpty else { return done(ReportComposer.Returned(bytes: content.prefix, isWhole: isWhole)) }
        content.read(part: 0, on: core) { result in
            guard case .success(let bytes) = result else { return done(nil) }
            // One part is the whole message when it is small enough to be returned.
            done(ReportComposer.Returned(bytes: content.prefix + bytes, isWhole: isWhole && content.parts.count == 1))
        }
    }
}

extension KeptContent {
    /// What the last attempt came to, and when.
    var lastAttempt: (result: AttemptResult, time: Timestamp)? {
        guard let lastResult, let event = (try? MailEvent(kind: .attempted, decoding: lastResult[...])) ?? nil,
              case .attempted(let result) = event.detail else { return nil }
        return (result, event.time)
    }
}
