import Events
import MessageFormat
import Ports
import SMTP
import Storage

/// Recipients of a message that wait at one place, as a store keeps them.
public struct KeptEntry: Sendable {
    /// Its name; one that was replaced never comes back.
    public var name: EntryName
    /// The message.
    public var message: QueueID
    /// Where it waits.
    public var place: Place
    /// Indexes of its recipients in the envelope.
    public var recipients: [UInt16]
    /// The host of the first of them: with the sender, what a node needs to find the route.
    public var host: MailHost
    /// The sender of the message.
    public var reversePath: ReversePath
    /// Whose fair share its attempts count against.
    public var sender: SenderKey
    /// When the message was accepted.
    public var arrival: Timestamp
    /// Octets of the message.
    public var size: UInt64
    /// When to try next; nil for at once.
    public var due: Timestamp?
    /// Attempts that were made.
    public var attempts: UInt16 = 0
    /// Delay notices that were given.
    public var noticesGiven: UInt8 = 0
    /// Why it is not to be tried; nil when it is.
    public var hold: HoldReason?

    init(name: EntryName, message: AcceptedMessage, place: Place, group: RecipientGroup, hold: HoldReason?) {
        let envelope = message.envelope
        self.name = name
        self.message = message.id
        self.place = place
        recipients = group.recipients
        host = group.host
        reversePath = envelope.reversePath
        sender = Queue.senderKey(envelope)
        arrival = envelope.arrival
        size = envelope.size
        due = envelope.notBefore
        self.hold = hold
    }
}

/// The name of an entry in a store; from the mint of the node that made it.
public struct EntryName: Hashable, Comparable, Sendable {
    /// 64 bits that are never used twice.
    public let rawValue: UInt64

    /// The name with these bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static func < (left: EntryName, right: EntryName) -> Bool { left.rawValue < right.rawValue }
}

