import Events
import Ports

/// What an agent tells the queue when an attempt is over.
public struct AttemptReport: Sendable {
    /// The host that gave the results; nil when no host was reached.
    public var host: RemoteHost?
    /// When the attempt ended.
    public var ended: Timestamp
    /// What came of it; a recipient of the attempt that is missing counts as untried.
    public var outcomes: [RecipientDelivery]
    /// What the attempt says about the site, for its limits.
    public var feedback: SiteFeedback

    /// A report.
    public init(host: RemoteHost?, ended: Timestamp, outcomes: [RecipientDelivery], feedback: SiteFeedback) {
        self.host = host
        self.ended = ended
        self.outcomes = outcomes
        self.feedback = feedback
    }
}

/// What an agent achieved for the recipient with this index.
public struct RecipientDelivery: Hashable, Sendable {
    /// Index of the recipient in the envelope.
    public var recipient: UInt16
    /// What was achieved.
    public var outcome: DeliveryOutcome

    /// An achievement.
    public init(recipient: UInt16, outcome: DeliveryOutcome) {
        self.recipient = recipient
        self.outcome = outcome
    }
}
