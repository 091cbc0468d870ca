import Ports

/// What the scheduler is told of a new or recovered entry.
public struct EntryDraft: Sendable {
    /// The message's queue id as a number; it must grow with acceptance.
    public var message: UInt64
    /// The queue's own word, given back in `ScheduleEntry.payload`.
    public var payload: UInt64
    /// Route and domain of the recipients.
    public var destination: DestinationKey
    /// Whose fair share the attempts count against.
    public var sender: SenderKey
    /// When the message was accepted.
    public var arrival: Timestamp
    /// What one attempt costs the sender's fair share; see `cost(recipients:bytes:)`.
    public var cost: UInt8 = 1
    /// Attempts made before, for a recovered entry.
    public var attempts: UInt16 = 0
    /// When to try next; nil or a moment that is past means at once.
    public var due: Timestamp?
    /// Delay notices given before, for a recovered entry.
    public var noticesGiven: UInt8 = 0
    /// Whether the reverse-path is null: a shorter lifetime and no delay notices.
    public var isBounce = false
    /// Whether it waits for an operator.
    public var isHeld = false

    /// The largest cost.
    public static let maxCost = 16

    /// A draft of an entry that is tried at once.
    public init(message: UInt64, payload: UInt64, destination: DestinationKey, sender: SenderKey, arrival: Timestamp) {
        self.message = message
        self.payload = payload
        self.destination = destination
        self.sender = sender
        self.arrival = arrival
    }

    /// The share of a site that an attempt takes: 1 for an ordinary message, up to 16 for many recipients or megabytes.
    public static func cost(recipients: Int, bytes: Int) -> UInt8 {
        let parts = min(max(recipients, 1) - 1, 150) / 10 + min(max(bytes, 0), 1 << 22) / (1 << 18)
        return UInt8(truncatingIfNeeded: min(1 + parts, maxCost))
    }
}
