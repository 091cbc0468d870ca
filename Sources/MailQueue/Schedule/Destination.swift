/// What the scheduler knows of a destination.
struct Destination: LinkedListNode, TimerNode {
    enum State: UInt8, Sendable {
        /// Never resolved, or longer ago than the answer was good for.
        case unknown
        /// Waits for a free place among the lookups.
        case queued
        /// `.resolve` was handed out.
        case resolving
        /// Its site is known until `validUntil`.
        case resolved
        /// It is known until `validUntil` that there is no route.
        case undeliverable
        /// Asked in vain; asked again at `validUntil`.
        case unavailable
    }

    var key: DestinationKey
    var generation: UInt32
    var state = State.unknown
    /// Lookups in a row that had no answer.
    var failures: UInt8 = 0
    /// In the list of destinations whose waiting entries can move on.
    var isDraining = false
    var isIdle = false
    var site: UInt32 = .none
    /// Second up to which the state holds.
    var validUntil: UInt32 = 0
    /// Reload that the state is from.
    var epoch: UInt32 = 0
    /// The host's number for why there is no route.
    var failure: UInt32 = 0
    /// All entries for it, in whatever state.
    var entries: UInt32 = 0
    /// The unresolved ones.
    var waiting = LinkedList()
    var next: UInt32 = .none
    var previous: UInt32 = .none
    var timerNext: UInt32 = .none
    var timerPrevious: UInt32 = .none

    var nextVacant: UInt32 {
        get { next }
        set { next = newValue }
    }
}

/// A sender with entries.
struct Sender: SlabElement {
    var key: SenderKey
    var entries: UInt32 = 0
    var nextVacant: UInt32 = .none
}
