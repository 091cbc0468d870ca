import Events
import Storage

/// A waiting message as memory keeps it, in 64 bytes; everything else is read back from the log by position.
struct QueuedMessage: Sendable {
    /// The message's id; 0 in a vacant place.
    var id: QueueID
    /// Where its `accepted` record lies.
    var position: RecordPosition
    /// Where its last event with a reply lies; meaningful with `lastEventBytes` only.
    var lastEvent = RecordPosition(segment: 0, offset: 0)
    /// Bytes of the `accepted` record in the log.
    var storedBytes: UInt32
    /// Bytes of the last event's record in the log; 0 for none.
    var lastEventBytes: UInt32 = 0
    /// Octets of the message, clamped.
    var size: UInt32
    /// The reverse-path in the table of senders.
    var sender: UInt32
    /// The host of the only entry's recipients in the table of hosts; `.none` with an extra.
    var host: UInt32
    /// Lower half of the address hash of the only entry's first recipient: finds it without reading the log.
    var recipientHash: UInt32
    /// Entries and chunks of a message with more than one entry, or with chunks; `.none` otherwise.
    var extra: UInt32 = .none
    /// When it was accepted, in seconds since 1970.
    var arrivalSeconds: UInt32
    /// The only entry; meaningless with an extra.
    var entry: EntryID
    var flags: Flags = []
    /// Times that the process died while it tried this message.
    var crashes: UInt8 = 0

    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        /// A delivery status notification of this host.
        static let report = Flags(rawValue: 1)
        /// The reverse-path is null.
        static let nullSender = Flags(rawValue: 2)
        /// Held by an operator.
        static let heldByOperator = Flags(rawValue: 4)
        /// Held for crashing.
        static let heldForCrashes = Flags(rawValue: 8)
        /// Held because the log does not give it back.
        static let heldUnreadable = Flags(rawValue: 16)
        /// An operation is being recorded: others wait their turn.
        static let busy = Flags(rawValue: 32)
        /// Held for what its account does.
        static let heldForAccount = Flags(rawValue: 64)
        /// Held for what was found out about its author.
        static let heldByPolicy = Flags(rawValue: 128)

        static let held: Flags = [.heldByOperator, .heldForCrashes, .heldUnreadable, .heldForAccount, .heldByPolicy]
    }
}

extension QueuedMessage: SlabElement {
    var nextVacant: UInt32 {
        get { sender }
        set { sender = newValue }
    }

    /// Why it is held; nil when it is not.
    var hold: HoldReason? {
        get {
            if flags.contains(.heldUnreadable) { return .unreadable }
            if flags.contains(.heldForCrashes) { return .crashLoop }
            if flags.contains(.heldForAccount) { return .account }
            if flags.contains(.heldByPolicy) { return .policy }
            return flags.contains(.heldByOperator) ? .operatorRequest : nil
        }
        set {
            flags.subtract(.held)
            switch newValue {
            case .operatorRequest: flags.insert(.heldByOperator)
            case .crashLoop: flags.insert(.heldForCrashes)
            case .unreadable: flags.insert(.heldUnreadable)
            case .account: flags.insert(.heldForAccount)
            case .policy: flags.insert(.heldByPolicy)
            case nil: break
            }
        }
    }
}

/// What a message with several entries or with chunks needs beside its 64 bytes.
struct MessageExtra: SlabElement {
    var entries: [EntryLink]
    var chunks: [ChunkLink]
    var nextVacant: UInt32 = .none
}

/// An entry of a message with several.
struct EntryLink: Sendable {
    var entry: EntryID
    /// The host of its recipients in the table of hosts.
    var host: UInt32
}

/// Where a part of a large body lies.
struct ChunkLink: Hashable, Sendable {
    var position: RecordPosition
    /// Octets of the body that it holds.
    var size: UInt32
    /// Bytes of its record in the log.
    var storedBytes: UInt32
}

/// Recipients that share an entry, when they are more than one.
struct RecipientSet: SlabElement {
    var indexes: [UInt16]
    var nextVacant: UInt32 = .none
}

/// The queue's own word in a scheduler's entry: the message's place, and its recipients.
struct EntryPayload: Hashable, Sendable {
    let slot: UInt32
    private let selector: UInt32

    private static let setFlag: UInt32 = 1 << 31

    init(slot: UInt32, recipient: UInt16) {
        self.slot = slot
        selector = UInt32(recipient)
    }

    init(slot: UInt32, set: UInt32) {
        self.slot = slot
        selector = set | EntryPayload.setFlag
    }

    init(rawValue: UInt64) {
        slot = UInt32(truncatingIfNeeded: rawValue)
        selector = UInt32(truncatingIfNeeded: rawValue >> 32)
    }

    var rawValue: UInt64 { UInt64(selector) << 32 | UInt64(slot) }

    /// The set of recipients; nil for a single one.
    var set: UInt32? { selector & EntryPayload.setFlag != 0 ? selector & ~EntryPayload.setFlag : nil }

    /// The single recipient; meaningless with a set.
    var recipient: UInt16 { UInt16(truncatingIfNeeded: selector) }
}
