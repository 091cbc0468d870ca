import Events
import Ports
import SMTP

/// What an attempt, or the end of patience, means for the recipients of an entry: decided, not yet recorded.
struct Conclusion: Sendable {
    let entry: EntryID
    let slot: UInt32
    let message: AcceptedMessage
    /// Attempts made for these recipients, this one included.
    let number: UInt32
    let host: RemoteHost?
    let duration: Duration
    let time: Timestamp
    let feedback: SiteFeedback
    /// Results that end it for a recipient.
    var final: [RecipientResult] = []
    /// Recipients to be tried again by the schedule.
    var deferred: [(recipient: UInt16, diagnosis: Diagnosis)] = []
    /// Recipients to be tried again at once.
    var untried: [UInt16] = []

    /// Whether the attempt says anything about any recipient.
    var hasResults: Bool { !final.isEmpty || !deferred.isEmpty }

    /// Whether a notification about it returns some of the message.
    var needsContent: Bool {
        final.contains { result in
            switch result.outcome {
            case .bounced, .expired: true
            case .delivered, .relayed(_, .thisHost): isSuccessWanted(result.recipient)
            case .relayed(_, .nextHop), .deferred: false
            }
        }
    }

    private func isSuccessWanted(_ recipient: UInt16) -> Bool {
        let recipients = message.envelope.recipients
        return recipients.indices.contains(Int(recipient)) && recipients[Int(recipient)].notify?.contains(.success) == true
    }

    /// What a report means for the recipients of its attempt.
    init(_ running: RunningAttempt, _ report: AttemptReport, now: Timestamp) {
        let attempt = running.attempt
        entry = running.entry
        slot = running.slot
        message = running.message
        number = attempt.number
        host = report.host
        duration = report.ended - attempt.started
        time = report.ended
        feedback = report.feedback
        var outcomes: [UInt16: DeliveryOutcome] = [:]
        if attempt.recipients.count > 1 {
            for delivery in report.outcomes { outcomes[delivery.recipient] = delivery.outcome }
        } else if let delivery = report.outcomes.last(where: { attempt.recipients.first == $0.recipient }) {
            outcomes[delivery.recipient] = delivery.outcome
        }
        for recipient in attempt.recipients { add(recipient, outcomes[recipient] ?? .untried, of: attempt.recipients.count, now) }
    }

    /// The same end for every recipient of an entry, without an attempt.
    init(entry: EntryID, slot: UInt32, message: AcceptedMessage, attempts: UInt16, host: RemoteHost?, time: Timestamp,
         results: [RecipientResult]) {
        self.entry = entry
        self.slot = slot
        self.message = message
        number = UInt32(attempts)
        self.host = host
        duration = .zero
        self.time = time
        feedback = .none
        final = results
    }

    private mutating func add(_ recipient: UInt16, _ outcome: DeliveryOutcome, of recipients: Int, _ now: Timestamp) {
        func result(_ outcome: RecipientOutcome) -> RecipientResult { RecipientResult(recipient: recipient, outcome: outcome) }
        switch outcome {
        case .delivered(let reply): final.append(result(.delivered(reply?.quotable)))
        case .relayed(let reply, let duty): final.append(result(.relayed(reply?.quotable, reportedBy: duty)))
        case .failed(let diagnosis):
            final.append(result(.bounced(BounceClassifier.classified(diagnosis.quotable(recipients: recipients)))))
        case .deferred(let diagnosis):
            let diagnosis = BounceClassifier.classified(diagnosis.quotable(recipients: recipients))
            if let limit = message.envelope.expiresAt, limit <= now {
                final.append(result(.expired(diagnosis)))
            } else {
                deferred.append((recipient, diagnosis))
            }
        case .untried: untried.append(recipient)
        }
    }
}
