import Events
import MailQueue
import Ports
import SMTP

/// Turns the answers of a session into what the queue is told.
struct SMTPResultReading {
    let dialect: Dialect
    let offeredDSN: Bool
    let remote: RemoteHost?
    let host: HopHost
    let endpoint: SocketEndpoint

    /// What `answer` means for its recipient.
    func outcome(_ answer: RecipientAnswer) -> DeliveryOutcome {
        switch answer {
        case .accepted(let reply):
            // LMTP hands over to the mailbox itself (RFC 2033 §4.2): nobody else will report.
            return dialect == .lmtp ? .delivered(reply) : .relayed(reply, reportedBy: offeredDSN ? .nextHop : .thisHost)
        case .refused(let reply, _):
            let diagnosis = Diagnosis(status: reply.status, reply: reply)
            return reply.isPermanent ? .failed(diagnosis) : .deferred(diagnosis)
        case .unsuitable(let reply):
            return .failed(Diagnosis(status: reply.status, explanation: "\(place): \(reply.text).", bounceClass: .protocol))
        case .tooManyRecipients, .notTried:
            return .untried
        case .broken(let failure, let stage):
            return .deferred(failure.diagnosis(place, stage))
        case .unknown(let failure):
            var diagnosis = failure.diagnosis(place, .endOfData)
            diagnosis.explanation += " It may have been taken all the same, and would then arrive twice."
            return .deferred(diagnosis)
        }
    }

    /// What `answer` says about the site.
    func feedback(_ answer: RecipientAnswer) -> SiteFeedback {
        switch answer {
        case .accepted: .delivered
        case .refused(let reply, let stage): reply.asksToSlowDown(at: stage) ? .throttled : .answered
        case .unsuitable, .tooManyRecipients: .answered
        case .notTried, .broken(.contentUnavailable, _): .none
        case .broken, .unknown: .unavailable
        }
    }

    private var place: String { SMTPObstacle.place(host, endpoint) }
}

extension RecipientAnswer {
    /// Whether this says nothing about the recipient or the message, so that another host may be asked at once.
    var isOfTheSession: Bool {
        switch self {
        case .broken(.contentUnavailable, _): false
        case .broken: true
        case .refused(let reply, let stage): reply.code == 421 && stage != .body && stage != .endOfData
        case .accepted, .unsuitable, .tooManyRecipients, .unknown, .notTried: false
        }
    }
}

extension Reply {
    /// Whether the server asks for fewer messages or connections.
    ///
    /// A policy refusal of one recipient is not that: it mostly is greylisting.
    func asksToSlowDown(at stage: ClientStage) -> Bool {
        guard isTransient else { return false }
        if code == 421 { return true }
        guard let enhanced else { return false }
        switch (enhanced.subject, enhanced.detail) {
        case (3, 2), (7, 28): return true
        case (7, _): return stage != .rcpt
        default: return false
        }
    }
}

extension SiteFeedback {
    /// Of several answers in one transaction the one that says most counts: acceptance, then a request to slow down.
    private var weight: Int {
        switch self {
        case .none: 0
        case .unavailable: 1
        case .answered: 2
        case .throttled: 3
        case .delivered: 4
        }
    }

    /// This or `other`, whichever says more.
    func combined(with other: SiteFeedback) -> SiteFeedback { weight < other.weight ? other : self }
}
