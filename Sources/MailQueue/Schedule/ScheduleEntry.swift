/// Names an entry of the scheduler for as long as it lives: a dense slab index and a generation.
///
/// Indexes are small and reused, so that the queue can keep a parallel array by `index`; the
/// generation makes a stale id name nothing instead of a stranger.
public struct EntryID: Hashable, Sendable, CustomStringConvertible {
    /// Place in the slab, counted from 0 and reused.
    public let index: UInt32
    let generation: UInt16

    init(index: UInt32, generation: UInt16) {
        self.index = index
        self.generation = generation
    }

    /// `index.generation`, for test failures.
    public var description: String { "\(index).\(generation)" }
}

/// Where an entry is on its way.
public enum EntryState: UInt8, Sendable, CaseIterable {
    /// The place is free; no entry that can be named is in this state.
    case vacant
    /// Waits for its destination to be resolved to a site.
    case unresolved
    /// Waits for the time of its next attempt.
    case scheduled
    /// Waits for its turn at its site.
    case ready
    /// Its lifetime is over or it has no route: waits to be handed out as final.
    case leaving
    /// Handed out: the scheduler waits for `finish`.
    case inFlight
    /// Waits for an operator; neither tried nor expired.
    case held
}

/// One entry as the slab keeps it, in 64 bytes: a message, the recipients of it that share a destination, their state.
///
/// The queue reads it for checkpoints and listings; `payload` is the queue's own word.
public struct ScheduleEntry: Sendable {
    /// The message's queue id as a number; it grows with acceptance, so that smaller means older.
    public internal(set) var message: UInt64
    /// What the queue needs to find message state and recipients; the scheduler never looks into it.
    public var payload: UInt64
    /// Links of the sender's tree while ready, of a list while unresolved or leaving.
    var left: UInt32 = .none
    var right: UInt32 = .none
    /// Links of the timer wheel.
    var timerNext: UInt32 = .none
    var timerPrevious: UInt32 = .none
    var destination: UInt32
    var sender: UInt32
    /// The flow while ready, the site while in flight.
    var place: UInt32 = .none
    /// Acceptance, in seconds since 1970.
    var arrivalSeconds: UInt32
    /// Time of the next attempt, in seconds since 1970; 0 is at once.
    var dueSeconds: UInt32
    /// Attempts that were made.
    public internal(set) var attempts: UInt16
    var generation: UInt16
    /// What one attempt costs its sender in the fair share of a site.
    public internal(set) var cost: UInt8
    /// Where the entry is on its way.
    public internal(set) var state: EntryState
    var flags: Flags
    /// Delay notices that were asked for so far.
    public internal(set) var noticesGiven: UInt8
    /// What `.fail` tells of an entry without a route.
    var failure: UInt32 = 0

    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        /// Has the null reverse-path: shorter lifetime, no delay notices.
        static let bounce = Flags(rawValue: 1)
        /// An operator wants it held as soon as its attempt ends.
        static let holdAfterAttempt = Flags(rawValue: 2)
        /// The lifetime is over.
        static let expired = Flags(rawValue: 4)
        /// An operator wants it tried again as soon as its attempt ends.
        static let retryAfterAttempt = Flags(rawValue: 8)
        /// Was released after its lifetime, or could not be tried at its end: gets one more attempt.
        static let lastTry = Flags(rawValue: 16)
        /// Has no route: `failure` says why.
        static let undeliverable = Flags(rawValue: 32)
    }
}

extension ScheduleEntry: LinkedListNode, OrderedTreeNode, TimerNode {
    // An entry is in a tree or in a list, never in both.
    var next: UInt32 {
        get { right }
        set { right = newValue }
    }
    var previous: UInt32 {
        get { left }
        set { left = newValue }
    }
    var nextVacant: UInt32 {
        get { left }
        set { left = newValue }
    }
    var orderKey: UInt64 { message }
}

extension UInt32 {
    /// No index: the end of a list, the absence of a site.
    static let none = UInt32.max
}
