import Events
import Ports

/// One waiting message in a list.
public struct MessageSummary: Hashable, Sendable {
    /// The message.
    public var id: QueueID
    /// The reverse-path without brackets; empty for the null one.
    public var sender: String
    /// When it was accepted.
    public var arrival: Timestamp
    /// Octets of the message.
    public var size: UInt64
    /// Its recipients that still wait, by destination.
    public var entries: [EntrySummary]
    /// Why it is held, where it is.
    public var hold: HoldReason?
    /// Times that the process died while it tried this message.
    public var crashes: UInt8
}

/// Recipients of a message that wait together.
public struct EntrySummary: Hashable, Sendable {
    /// The waiting recipients; empty in a list that was asked for without envelopes.
    public var recipients: [String]
    /// How many they are.
    public var recipientCount: Int
    /// The host that they are at.
    public var host: String
    /// The site, once it is known.
    public var site: String?
    /// Where they are on their way.
    public var state: WaitingState
    /// Why they wait.
    public var reason: DelayReason?
    /// Attempts that were made.
    public var attempts: Int
    /// The time of the next attempt, where one is set.
    public var nextAttempt: Timestamp?
    /// What the last attempt came to, where it was asked for.
    public var lastOutcome: RecipientOutcome?
}

/// Everything about one waiting message.
public struct MessageDetails: Sendable {
    /// As in a list.
    public var summary: MessageSummary
    /// The envelope as accepted, with the recipients that are final already.
    public var envelope: Envelope
    /// Header fields that Baton added.
    public var prefix: [UInt8]
}

/// One page of a list.
public struct MessagePage: Sendable {
    /// The messages.
    public var messages: [MessageSummary]
    /// Where the next page begins; nil after the last one.
    public var next: PageCursor?
}

/// A place in a list that stays meaningful while the queue changes.
public struct PageCursor: Hashable, Sendable {
    /// The number that a client sends back.
    public let rawValue: UInt32

    /// The place with this number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The first page.
    public static let start = PageCursor(rawValue: 0)
}
