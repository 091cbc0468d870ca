import Ports
import SMTP

/// Something that happened to a message; the vocabulary of the log, of `trace`, of log lines and of readers.
public struct MailEvent: Hashable, Sendable {
    /// The message.
    public var message: QueueID
    /// When it happened.
    public var time: Timestamp
    /// What happened.
    public var detail: Detail

    /// An event.
    public init(message: QueueID, time: Timestamp, detail: Detail) {
        self.message = message
        self.time = time
        self.detail = detail
    }

    /// What happened.
    public enum Detail: Hashable, Sendable {
        /// The message is in the log and Baton answers for it.
        case accepted(Envelope)
        /// An attempt ended, or time ended it, with a result for each recipient that it concerned.
        case attempted(AttemptResult)
        /// The message waits until it is released.
        case held(HoldReason)
        /// The message waits no longer.
        case released
        /// An operator moved the next attempt to now.
        case retryRequested
        /// An operator took recipients away without a bounce.
        case removed(recipients: [UInt16])
        /// A delivery status notification about this message was queued.
        case reported(ReportEvent)
        /// A bounce that may not be bounced was dropped.
        case bounceDropped(recipients: [UInt16])
        /// The process died while it tried the message; `count` times by now.
        case crashed(count: UInt8)

        /// The name that logs and the console use.
        public var name: String {
            switch self {
            case .accepted: "accepted"
            case .attempted: "attempted"
            case .held: "held"
            case .released: "released"
            case .retryRequested: "retry-requested"
            case .removed: "removed"
            case .reported: "reported"
            case .bounceDropped: "bounce-dropped"
            case .crashed: "crashed"
            }
        }
    }
}

/// The end of an attempt, or of a recipient's patience.
public struct AttemptResult: Hashable, Sendable {
    /// How many attempts were made for these recipients, this one included.
    public var number: UInt32
    /// The host that was tried.
    public var host: RemoteHost?
    /// How long it took.
    public var duration: Duration
    /// What came of it, per recipient.
    public var results: [RecipientResult]
    /// Delay notices that the sender had been given for these recipients.
    public var noticesGiven: UInt8

    /// The end of an attempt.
    public init(number: UInt32, host: RemoteHost?, duration: Duration, results: [RecipientResult],
                noticesGiven: UInt8 = 0) {
        self.number = number
        self.host = host
        self.duration = duration
        self.results = results
        self.noticesGiven = noticesGiven
    }
}

/// What an attempt meant for one recipient.
public struct RecipientResult: Hashable, Sendable {
    /// Index of the recipient.
    public var recipient: UInt16
    /// What it came to.
    public var outcome: RecipientOutcome

    /// A result for a recipient.
    public init(recipient: UInt16, outcome: RecipientOutcome) {
        self.recipient = recipient
        self.outcome = outcome
    }
}

/// What became of a recipient.
public enum RecipientOutcome: Hashable, Sendable {
    /// In the recipient's mailbox.
    case delivered(Reply?)
    /// With the next hop.
    case relayed(Reply?, reportedBy: ReportDuty)
    /// To be tried again at the time given.
    case deferred(until: Timestamp, Diagnosis)
    /// Given up for good.
    case bounced(Diagnosis)
    /// Given up because its time was over.
    case expired(Diagnosis)

    /// Whether nothing more will be tried.
    public var isFinal: Bool {
        switch self {
        case .delivered, .relayed, .bounced, .expired: true
        case .deferred: false
        }
    }

    /// The name that logs and the console use.
    public var name: String {
        switch self {
        case .delivered: "delivered"
        case .relayed: "relayed"
        case .deferred: "deferred"
        case .bounced: "bounced"
        case .expired: "expired"
        }
    }
}

/// Who tells the sender of a success that was asked for with NOTIFY=SUCCESS (RFC 3461 §5.2).
public enum ReportDuty: UInt8, Hashable, Sendable, CaseIterable {
    /// This host: the next hop does not know RFC 3461.
    case thisHost = 0
    /// The next hop, which was given the parameters.
    case nextHop = 1
}

/// Why a message is held.
public enum HoldReason: UInt8, Hashable, Sendable, CaseIterable {
    /// An operator asked for it.
    case operatorRequest = 0
    /// The process died too often while it tried this message.
    case crashLoop = 1
    /// What the log holds of the message cannot be read.
    case unreadable = 2
    /// The account that sent it behaves as if it were in somebody else's hands.
    case account = 3
    /// What was found out about its author asks for it.
    case policy = 4

    /// The name that logs and the console use.
    public var name: String {
        switch self {
        case .operatorRequest: "operator"
        case .crashLoop: "crash-loop"
        case .unreadable: "unreadable"
        case .account: "account"
        case .policy: "policy"
        }
    }
}

/// A notification that Baton sent about a message.
public struct ReportEvent: Hashable, Sendable {
    /// The message that carries the notification.
    public var report: QueueID
    /// What it says (RFC 3464 §2.3.3).
    public var action: ReportAction
    /// The recipients that it speaks of.
    public var recipients: [UInt16]
    /// Delay notices that were given for these recipients, this one included.
    public var noticesGiven: UInt8

    /// A notification.
    public init(report: QueueID, action: ReportAction, recipients: [UInt16], noticesGiven: UInt8 = 0) {
        self.report = report
        self.action = action
        self.recipients = recipients
        self.noticesGiven = noticesGiven
    }
}

/// The Action field of a delivery status notification (RFC 3464 §2.3.3).
public enum ReportAction: UInt8, Hashable, Sendable, CaseIterable {
    case failed = 0
    case delayed = 1
    case delivered = 2
    case relayed = 3
    case expanded = 4
    /// Several actions in one notification.
    case mixed = 5

    /// The word that RFC 3464 uses.
    public var name: String {
        switch self {
        case .failed: "failed"
        case .delayed: "delayed"
        case .delivered: "delivered"
        case .relayed: "relayed"
        case .expanded: "expanded"
        case .mixed: "mixed"
        }
    }
}
