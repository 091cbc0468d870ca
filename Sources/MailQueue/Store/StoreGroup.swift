import Events
import Ports
import Storage

/// Changes that a store makes together or not at all, and at most once.
public struct StoreGroup: Sendable {
    /// Its name: sent again under the same name, nothing happens but the answer.
    public var name: GroupName
    /// New messages.
    public var messages: [NewMessage]
    /// What happened, in order, for readers; the `accepted` records of the new messages are told before.
    public var events: [RecordDraft]

    /// A group.
    public init(name: GroupName, messages: [NewMessage] = [], events: [RecordDraft] = []) {
        self.name = name
        self.messages = messages
        self.events = events
    }
}

/// The name of a group; from the mint of the node that sends it.
public struct GroupName: Hashable, Sendable {
    /// 64 bits that are never used twice.
    public let rawValue: UInt64

    /// The name with these bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A message on its way into a store.
public struct NewMessage: Sendable {
    /// The message.
    public var id: QueueID
    /// Its `accepted` record: envelope and prefix in the meta part, the body or the end of it in the body part.
    public var record: RecordDraft
    /// Parts of the body that were put ahead.
    public var parts: Int
    /// Its recipients by place; a message without entries is only told to readers.
    public var entries: [KeptEntry]

    /// A message.
    public init(id: QueueID, record: RecordDraft, parts: Int = 0, entries: [KeptEntry]) {
        self.id = id
        self.record = record
        self.parts = parts
        self.entries = entries
    }
}

/// What becomes of one entry, and everything that follows from it.
public struct Settlement: Sendable {
    /// What happens together, with the reports that are due.
    public var group: StoreGroup
    /// The lease of the entry's place.
    public var lease: PlaceLease
    /// The entry.
    public var entry: EntryName
    /// What becomes of it.
    public var change: EntryChange
    /// Entries of the same message that come from it.
    public var successors: [KeptEntry]

    /// A settlement.
    public init(group: StoreGroup, lease: PlaceLease, entry: EntryName, change: EntryChange, successors: [KeptEntry] = []) {
        self.group = group
        self.lease = lease
        self.entry = entry
        self.change = change
        self.successors = successors
    }
}

/// What becomes of an entry.
public enum EntryChange: Sendable {
    /// It is gone; its message too, when nothing of it waits any more.
    case gone
    /// It waits for another attempt, with some or all of its recipients.
    case waits(recipients: [UInt16], until: Timestamp?, attempts: UInt16)
    /// Its sender has been told so often that it is late.
    case noticed(times: UInt8)
}

/// A message as a store gives it back.
public struct KeptContent: Sendable {
    /// The meta part of its `accepted` record.
    public var meta: [UInt8]
    /// Octets of the body part of that record.
    public var bodySize: Int
    /// The body part, unless it is too large.
    public var body: [UInt8]?
    /// The meta part of its last `attempted` event; nil before the first.
    public var lastResult: [UInt8]?

    /// A message.
    public init(meta: [UInt8], bodySize: Int, body: [UInt8]?, lastResult: [UInt8]?) {
        self.meta = meta
        self.bodySize = bodySize
        self.body = body
        self.lastResult = lastResult
    }
}
