import Events
import Ports
import MessageFormat
import SMTP
import Storage

extension Queue {
    public func finish(_ attempt: AttemptID, _ report: AttemptReport, written: @escaping @Sendable (Bool) -> Void) {
        guard let running = attempts.removeValue(forKey: attempt.rawValue) else { return written(false) }
        let conclusion = Conclusion(running, report, now: core.now)
        guard conclusion.hasResults else {
            // The peer was never asked: nothing happened that the log has to know.
            giveUp(conclusion)
            return written(true)
        }
        conclude(conclusion, firstAttempt: true, written)
    }

    private func giveUp(_ conclusion: Conclusion) {
        _ = scheduler.finish(conclusion.entry, .aborted, feedback: conclusion.feedback, now: core.now, random: random)
        suspects.ended(conclusion.entry)
        workArrived?()
    }

    // MARK: Ends without an attempt

    /// There is no way to deliver an entry: it bounces.
    func fail(_ entry: EntryID, _ diagnosis: Diagnosis) {
        settle(entry) { recipients, _ in
            let diagnosis = BounceClassifier.classified(diagnosis)
            return (recipients.map { RecipientResult(recipient: $0, outcome: .bounced(diagnosis)) }, nil)
        }
    }

    /// The lifetime of an entry is over: it bounces with what the last attempt said.
    func expire(_ entry: EntryID) {
        settle(entry) { recipients, last in
            (recipients.map { RecipientResult(recipient: $0, outcome: .expired(Queue.expiry(last?.diagnosis(of: $0)))) },
             last?.host)
        }
    }

    static func expiry(_ last: Diagnosis?) -> Diagnosis {
        guard let last else {
            return Diagnosis(status: .init(4, 4, 7), explanation: "The message could not be tried in the time allowed.")
        }
        var diagnosis = last
        let words = "It was tried for as long as this mail system tries."
        diagnosis.explanation = last.explanation.isEmpty ? words : last.explanation + " " + words
        return diagnosis
    }

    /// Ends an entry that the scheduler handed out as final; `results` is given its recipients and its last result.
    func settle(_ entry: EntryID, results: @escaping @Sendable (_ recipients: [UInt16], _ last: AttemptResult?)
                -> (results: [RecipientResult], host: RemoteHost?), done: @escaping @Sendable (Bool) -> Void = { _ in }) {
        guard let slot = slot(of: entry) else { return done(false) }
        load(slot) { message in
            guard let message else {
                _ = self.scheduler.finish(entry, .aborted, feedback: .none, now: self.core.now, random: self.random)
                return done(false)
            }
            self.readLastResult(slot) { last in
                guard let state = self.scheduler.entry(entry) else { return done(false) }
                let attempt: AttemptResult? = if case .attempted(let result) = last?.detail { result } else { nil }
                let outcome = results(self.table.recipients(of: EntryPayload(rawValue: state.payload)), attempt)
                let conclusion = Conclusion(entry: entry, slot: slot, message: message, attempts: state.attempts,
                                            host: outcome.host, time: self.core.now, results: outcome.results)
                self.conclude(conclusion, firstAttempt: false, done)
            }
        }
    }

    // MARK: Recording

    private func conclude(_ conclusion: Conclusion, firstAttempt: Bool, _ written: @escaping @Sendable (Bool) -> Void) {
        guard conclusion.needsContent else { return record(conclusion, returned: nil, firstAttempt, written) }
        readReturned(of: conclusion.message, conclusion.slot) { returned in
            self.record(conclusion, returned: returned, firstAttempt, written)
        }
    }

    private func record(_ conclusion: Conclusion, returned: ReportComposer.Returned?, _ wasAttempt: Bool,
                        _ written: @escaping @Sendable (Bool) -> Void) {
        let noticesGiven = scheduler.entry(conclusion.entry)?.noticesGiven ?? 0
        let results = conclusion.final + postpone(conclusion)
        let recording = ResultRecording(parts: [results[...]], noticesGiven: noticesGiven, wasAttempt: wasAttempt)
        record(recording, of: conclusion, returned, written)
    }

    // A recipient is done only when its success, or its bounce, is itself in the log: one group, all or nothing.
    private func record(_ recording: ResultRecording, of conclusion: Conclusion, _ returned: ReportComposer.Returned?,
                        _ written: @escaping @Sendable (Bool) -> Void) {
        guard let part = recording.parts.first else { return written(true) }
        var concluded = conclusion
        concluded.final = part.filter(\.outcome.isFinal)
        let consequences = Consequences(concluded, returned, self)
        guard !consequences.reports.isEmpty, let signing = settings.reportSigning else {
            return write(recording, consequences, of: conclusion, returned, written)
        }
        sign(consequences.reports, by: signing) { reports in
            var signed = consequences
            signed.reports = reports
            self.write(recording, signed, of: conclusion, returned, written)
        }
    }

    private func write(_ recording: ResultRecording, _ consequences: Consequences, of conclusion: Conclusion,
                       _ returned: ReportComposer.Returned?, _ written: @escaping @Sendable (Bool) -> Void) {
        let event = MailEvent(message: conclusion.message.id, time: conclusion.time, detail: .attempted(AttemptResult(
            number: conclusion.number, host: conclusion.host, duration: conclusion.duration, results: Array(recording.parts.first ?? []),
            noticesGiven: recording.noticesGiven)))
        let group = [event.draft] + consequences.drafts
        let sizes = group.map(\.storedBytes)
        appendForSure(group, refused: { written(false) }, tooLarge: {
            self.recordInParts(recording, of: conclusion, returned, written)
        }, done: { receipt, wasRefused in
            self.applied(conclusion, event, consequences, receipt.positions[...], sizes, isLast: recording.parts.count == 1)
            if recording.parts.count == 1, recording.wasAttempt { self.unkeepAfterAttempt(conclusion) }
            // The first refusal has been told already.
            let told: @Sendable (Bool) -> Void = { isWritten in if !wasRefused { written(isWritten) } }
            self.record(recording.rest, of: conclusion, returned, told)
            self.workArrived?()
        })
    }

    /// Results that the log cannot take as one group: without the content that a bounce returns, then in halves.
    private func recordInParts(_ recording: ResultRecording, of conclusion: Conclusion, _ returned: ReportComposer.Returned?,
                               _ written: @escaping @Sendable (Bool) -> Void) {
        if returned != nil { return record(recording, of: conclusion, nil, written) }
        if let halved = recording.halved { return record(halved, of: conclusion, nil, written) }
        // Not even one result fits: left to a person, since every other try would end here as well.
        if table.slot(of: conclusion.message.id) == conclusion.slot { holdUnreadable(conclusion.slot) }
        _ = scheduler.finish(conclusion.entry, .aborted, feedback: .none, now: core.now, random: random)
        written(false)
    }

    /// Puts what is left of an entry back into the schedule; the results say until when.
    private func postpone(_ conclusion: Conclusion) -> [RecipientResult] {
        guard !conclusion.deferred.isEmpty || !conclusion.untried.isEmpty else { return [] }
        var until = core.now
        if conclusion.untried.isEmpty {
            shrink(conclusion.entry, conclusion.slot, to: conclusion.deferred.map(\.recipient))
            let result = scheduler.finish(conclusion.entry, .deferred(), feedback: conclusion.feedback, now: core.now,
                                          random: random)
            if case .deferred(let due) = result { until = due }
        } else {
            shrink(conclusion.entry, conclusion.slot, to: conclusion.untried)
            if !conclusion.deferred.isEmpty, let key = scheduler.lookUpDestination(of: conclusion.entry) {
                until = core.now + settings.scheduler.retry.wait(afterAttempts: Int(conclusion.number), random: random)
                let recipients = conclusion.deferred.map(\.recipient)
                let host = conclusion.message.envelope.recipients[Int(recipients[0])].address.host
                split(conclusion.entry, conclusion.slot, recipients, to: key, host: host, due: until, isAttempt: true)
            }
            _ = scheduler.finish(conclusion.entry, .again, feedback: conclusion.feedback, now: core.now, random: random)
        }
        suspects.ended(conclusion.entry)
        return conclusion.deferred.map { item in
            RecipientResult(recipient: item.recipient, outcome: .deferred(until: until, item.diagnosis))
        }
    }

    /// The record is written: what it says comes true in memory too.
    func applied(_ conclusion: Conclusion, _ event: MailEvent, _ consequences: Consequences,
                 _ positions: ArraySlice<RecordPosition>, _ sizes: [Int], isLast: Bool) {
        count(event)
        var place = 1
        for report in consequences.reports {
            insert(report, positions.dropFirst(place), sizes.dropFirst(place))
            place += report.drafts.count
        }
        if observer != nil {
            tell(event, conclusion.message.envelope)
            for dropped in consequences.dropped { tell(dropped, conclusion.message.envelope) }
        }
        statistics.bouncesDropped += UInt64(consequences.dropped.count)
        let isOver = isLast && conclusion.deferred.isEmpty && conclusion.untried.isEmpty
        if isOver, drop(conclusion.entry, conclusion.slot, feedback: conclusion.feedback) { return }
        // While the log refused, a later attempt or an operator may have ended the message.
        guard table.slot(of: conclusion.message.id) == conclusion.slot,
              let position = positions.first, let bytes = sizes.first else { return }
        remember(position, bytes: bytes, of: conclusion.slot)
    }

    private func unkeepAfterAttempt(_ conclusion: Conclusion) {
        // Recipients that go out at once need the body again.
        if conclusion.untried.isEmpty, table.isOccupied(conclusion.slot),
           table[conclusion.slot].id == conclusion.message.id { unkeep(conclusion.slot) }
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

    /// Keeps the last event of a message that waits on, and lets the one before go.
    private func remember(_ position: RecordPosition, bytes: Int, of slot: UInt32) {
        if table[slot].lastEventBytes > 0 { log.release(table[slot].lastEvent, bytes: Int(table[slot].lastEventBytes)) }
        log.retain(position, bytes: bytes)
        table[slot].lastEvent = position
        table[slot].lastEventBytes = UInt32(clamping: bytes)
    }

    // MARK: Entries

    /// Leaves only these recipients in an entry.
    func shrink(_ entry: EntryID, _ slot: UInt32, to recipients: [UInt16]) {
        guard let state = scheduler.entry(entry) else { return }
        let old = EntryPayload(rawValue: state.payload)
        guard table.recipientCount(of: old) != recipients.count else { return }
        table.release(old)
        scheduler.setPayload(table.payload(slot: slot, recipients: recipients).rawValue, of: entry)
    }

    /// Gives some recipients of an entry an entry of their own; the caller has taken them out of the old one.
    func split(_ entry: EntryID, _ slot: UInt32, _ recipients: [UInt16], to destination: DestinationKey, host: MailHost,
               due: Timestamp?, isAttempt: Bool) {
        guard let state = scheduler.entry(entry), let sender = scheduler.lookUpSender(of: entry) else { return }
        if table[slot].extra == .none {
            let link = EntryLink(entry: table[slot].entry, host: table[slot].host)
            table[slot].extra = table.extras.allocate { _ in MessageExtra(entries: [link], chunks: []) }
            table[slot].host = .none
        }
        let payload = table.payload(slot: slot, recipients: recipients)
        var draft = EntryDraft(message: state.message, payload: payload.rawValue, destination: destination, sender: sender,
                               arrival: Timestamp(second: table[slot].arrivalSeconds))
        draft.cost = state.cost
        draft.attempts = UInt16(clamping: Int(state.attempts) + (isAttempt ? 1 : 0))
        draft.due = due
        draft.noticesGiven = state.noticesGiven
        draft.isBounce = table[slot].flags.contains(.nullSender)
        draft.isHeld = table[slot].hold != nil
        let new = scheduler.insert(draft, now: core.now)
        table.extras[table[slot].extra].entries.append(EntryLink(entry: new, host: table.hosts.retain(host)))
    }

    /// Forgets an entry whose recipients are all final; true when its message has left the queue with it.
    func drop(_ entry: EntryID, _ slot: UInt32, feedback: SiteFeedback) -> Bool {
        guard let state = scheduler.entry(entry) else { return false }
        table.release(EntryPayload(rawValue: state.payload))
        if state.state == .inFlight {
            _ = scheduler.finish(entry, .settled, feedback: feedback, now: core.now, random: random)
        } else {
            scheduler.remove(entry, now: core.now)
        }
        suspects.ended(entry)
        let extra = table[slot].extra
        if extra != .none {
            if let place = table.extras[extra].entries.firstIndex(where: { $0.entry == entry }) {
                let link = table.extras[extra].entries.remove(at: place)
                table.hosts.release(link.host)
            }
            if !table.extras[extra].entries.isEmpty { return false }
        }
        leave(slot)
        return true
    }

    /// Forgets a message without entries, and lets the log have its room back.
    private func leave(_ slot: UInt32) {
        suspects.gone(table[slot].id)
        refusedReads[table[slot].id] = nil
        for record in table.records(of: slot) { log.release(record.position, bytes: Int(record.bytes)) }
        unkeep(slot, all: true)
        table.remove(slot)
        updateRoom()
    }
}

/// Results of an attempt on their way into the log: in one part, wherever the log can take that.
private struct ResultRecording: Sendable {
    var parts: [ArraySlice<RecipientResult>]
    let noticesGiven: UInt8
    let wasAttempt: Bool

    /// What is left after the first part.
    var rest: ResultRecording {
        var rest = self
        rest.parts.removeFirst()
        return rest
    }

    /// The same with the first part cut in two; nil when it is a single result.
    var halved: ResultRecording? {
        guard let first = parts.first, first.count > 1 else { return nil }
        let middle = first.index(first.startIndex, offsetBy: first.count / 2)
        var halved = self
        halved.parts.replaceSubrange(0..<1, with: [first[..<middle], first[middle...]])
        return halved
    }
}
