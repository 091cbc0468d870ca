import Events
import Ports

/// One transaction to make: a message, some of its recipients, and where they go.
///
/// One object that everything refers to: it passes through many hands.
public final class Attempt: Sendable {
    /// Names this attempt towards the queue until it is finished.
    public let id: AttemptID
    /// 1 for the first attempt for these recipients.
    public let number: UInt32
    /// Route and domain of the recipients.
    public let destination: DestinationKey
    /// The site that the attempt is for.
    public let site: SiteID
    /// Indexes into `envelope.recipients` of those to be tried.
    public let recipients: [UInt16]
    /// What is to be sent.
    public let content: MessageContent
    /// When the attempt began.
    public let started: Timestamp

    private let accepted: AcceptedMessage

    init(id: AttemptID, accepted: AcceptedMessage, number: UInt32, destination: DestinationKey, site: SiteID,
         recipients: [UInt16], content: MessageContent, started: Timestamp) {
        self.id = id
        self.accepted = accepted
        self.number = number
        self.destination = destination
        self.site = site
        self.recipients = recipients
        self.content = content
        self.started = started
    }

    /// An attempt; outside of the queue only tests make one.
    public convenience init(id: AttemptID, message: QueueID, number: UInt32, destination: DestinationKey, site: SiteID,
                envelope: Envelope, recipients: [UInt16], content: MessageContent, started: Timestamp) {
        self.init(id: id, accepted: AcceptedMessage(id: message, envelope: envelope, prefix: content.prefix, body: []),
                  number: number, destination: destination, site: site, recipients: recipients, content: content,
                  started: started)
    }

    /// The message.
    public var message: QueueID { accepted.id }
    /// The whole envelope; only `recipients` are to be tried.
    public var envelope: Envelope { accepted.envelope }
}

/// The name of an attempt in this run of the process.
public struct AttemptID: Hashable, Sendable {
    /// A number that is not given twice in a run.
    public let rawValue: UInt64

    /// The attempt with this number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}
