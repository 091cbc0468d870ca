import Events
import MailQueue
import MessageFormat
import Ports
import SMTP

/// The answer to `list`.
public struct QueueListing: Codable, Hashable, Sendable {
    /// The messages of this page.
    public var messages: [ListedMessage]
    /// Where the next page begins; absent after the last one.
    public var next: UInt32?

    init(_ page: MessagePage) {
        messages = page.messages.map { ListedMessage($0) }
        next = page.next?.rawValue
    }
}

/// One waiting message.
public struct ListedMessage: Codable, Hashable, Sendable {
    /// The queue id.
    public var id: String
    /// The reverse-path without brackets; empty for the null one.
    public var sender: String
    /// When it was accepted (RFC 3339).
    public var arrival: String
    /// The same in seconds since 1970.
    public var arrivalSeconds: Int64
    /// Octets.
    public var size: UInt64
    /// Why it is held: `operator`, `crash-loop` or `unreadable`.
    public var hold: String?
    /// Times that the process died while it tried this message; absent for none.
    public var crashes: Int?
    /// Its recipients that still wait, by destination.
    public var entries: [ListedEntry]

    init(_ summary: MessageSummary) {
        id = summary.id.description
        sender = summary.sender
        arrival = DateTime.rfc3339(summary.arrival)
        arrivalSeconds = summary.arrival.seconds
        size = summary.size
        hold = summary.hold?.name
        crashes = summary.crashes == 0 ? nil : Int(summary.crashes)
        entries = summary.entries.map { ListedEntry($0) }
    }
}

/// Recipients of a message that wait together.
public struct ListedEntry: Codable, Hashable, Sendable {
    /// The recipients, where they were asked for.
    public var recipients: [String]
    /// How many they are.
    public var recipientCount: Int
    /// The host that they are at.
    public var host: String
    /// The site, once it is known.
    public var site: String?
    /// `resolving`, `deferred`, `ready`, `delivering`, `settling` or `held`.
    public var state: String
    /// Why they wait.
    public var reason: WaitReason?
    /// Attempts that were made.
    public var attempts: Int
    /// When the next one comes (RFC 3339).
    public var nextAttempt: String?
    /// The same in seconds since 1970.
    public var nextAttemptSeconds: Int64?
    /// What the last attempt came to.
    public var lastOutcome: LastOutcome?

    init(_ entry: EntrySummary) {
        recipients = entry.recipients
        recipientCount = entry.recipientCount
        host = entry.host
        site = entry.site
        state = entry.state.rawValue
        reason = entry.reason.map { WaitReason($0) }
        attempts = entry.attempts
        nextAttempt = entry.nextAttempt.map { DateTime.rfc3339($0) }
        nextAttemptSeconds = entry.nextAttempt?.seconds
        lastOutcome = entry.lastOutcome.map { LastOutcome($0) }
    }
}

/// Why recipients are not being delivered at this moment.
public struct WaitReason: Codable, Hashable, Sendable {
    /// `resolving`, `unresolvable`, `retry`, `site-unavailable`, `site-throttled`, `site-limit`, `total-limit`,
    /// `turn`, `settling`, `in-flight` or `held`.
    public var kind: String
    /// How long it lasts, where that is known, in seconds since 1970.
    public var untilSeconds: Int64?
    /// Deliveries in progress at the site, for `site-limit`.
    public var inFlight: Int?

    init(_ reason: DelayReason) {
        switch reason {
        case .resolving: kind = "resolving"
        case .unresolvable(let until):
            kind = "unresolvable"
            untilSeconds = until.seconds
        case .retry(let until):
            kind = "retry"
            untilSeconds = until.seconds
        case .siteUnavailable(let until):
            kind = "site-unavailable"
            untilSeconds = until.seconds
        case .siteThrottled(let until):
            kind = "site-throttled"
            untilSeconds = until.seconds
        case .siteLimit(let count):
            kind = "site-limit"
            inFlight = count
        case .totalLimit: kind = "total-limit"
        case .turn: kind = "turn"
        case .settling: kind = "settling"
        case .inFlight: kind = "in-flight"
        case .held: kind = "held"
        }
    }

    /// The reason in words, such as “the site could not be reached”.
    public var words: String {
        switch kind {
        case "resolving": "its destination is being looked up"
        case "unresolvable": "its destination could not be looked up"
        case "retry": "the last attempt failed"
        case "site-unavailable": "the site could not be reached"
        case "site-throttled": "the site asked to slow down"
        case "site-limit": "\(inFlight ?? 0) deliveries to the site are in progress, as many as it takes"
        case "total-limit": "as many deliveries are in progress as the server allows"
        case "turn": "its turn comes next"
        case "settling": "its end is being recorded"
        case "in-flight": "it is being delivered"
        case "held": "it is held until it is released"
        default: kind
        }
    }
}

/// What an attempt came to for a recipient.
public struct LastOutcome: Codable, Hashable, Sendable {
    /// `delivered`, `relayed`, `deferred`, `bounced` or `expired`.
    public var outcome: String
    /// The status code (RFC 3463).
    public var status: String?
    /// What the remote host answered.
    public var reply: String?
    /// Baton's own words.
    public var explanation: String?
    /// The kind of failure.
    public var bounceClass: String?

    init(_ outcome: RecipientOutcome) {
        self.outcome = outcome.name
        switch outcome {
        case .delivered(let reply), .relayed(let reply, _): self.reply = reply?.description
        case .deferred(_, let diagnosis), .bounced(let diagnosis), .expired(let diagnosis):
            status = diagnosis.status.description
            reply = diagnosis.reply?.description
            explanation = diagnosis.explanation.isEmpty ? nil : diagnosis.explanation
            bounceClass = diagnosis.bounceClass == .unclassified ? nil : diagnosis.bounceClass.name
        }
    }

    /// The reply, or Baton's own words where there is none.
    public var words: String {
        switch (reply, explanation) {
        case (let reply?, let explanation?): "\(reply) (\(explanation))"
        case (let reply?, nil): reply
        case (nil, let explanation?): explanation
        case (nil, nil): outcome
        }
    }
}
