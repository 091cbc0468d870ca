import Events
import MessageFormat
import Storage

/// What the final results of an attempt call for: notifications, or the end of bounces that nobody may get.
struct Consequences: Sendable {
    var reports: [ReportComposer.Report] = []
    var dropped: [MailEvent] = []

    /// The records that belong into the group of the attempt.
    var drafts: [RecordDraft] { reports.flatMap(\.drafts) + dropped.map(\.draft) }

    init(_ conclusion: Conclusion, _ returned: ReportComposer.Returned?, _ queue: some ReportAuthor) {
        let message = conclusion.message
        guard message.envelope.reversePath == .null else {
            let plans = ReportPlan.outcomes(conclusion.final, of: message.envelope, host: conclusion.host, at: conclusion.time)
            reports = plans.compactMap { plan in
                queue.compose(plan, about: message, returning: plan.purpose == .success ? returned?.header : returned)
            }
            return
        }
        let failed: [ReportPlan.Item] = conclusion.final.compactMap { result in
            switch result.outcome {
            case .bounced(let diagnosis), .expired(let diagnosis):
                ReportPlan.Item(recipient: result.recipient, action: .failed, diagnosis: diagnosis)
            case .delivered, .relayed, .deferred: nil
            }
        }
        guard !failed.isEmpty else { return }
        // Our own report that nobody takes goes to the postmaster once; any other bounce ends here (RFC 5321 §6.1).
        let isOurs = message.envelope.origin.reportOn != nil
        let isForPostmaster = message.envelope.recipients.contains { $0.address == queue.settings.postmaster }
        if isOurs, !isForPostmaster, queue.settings.doubleBounces == .toPostmaster {
            let plan = ReportPlan(purpose: .doubleBounce, items: failed, host: conclusion.host, lastAttempt: conclusion.time)
            if let report = queue.compose(plan, about: message, returning: returned) { reports.append(report) }
        }
        if reports.isEmpty {
            dropped.append(MailEvent(message: message.id, time: conclusion.time,
                                     detail: .bounceDropped(recipients: failed.map(\.recipient))))
        }
    }
}
