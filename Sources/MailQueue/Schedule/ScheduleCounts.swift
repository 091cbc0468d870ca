/// How many entries are in which state.
public struct ScheduleCounts: Hashable, Sendable {
    /// Waiting for a resolution.
    public internal(set) var unresolved = 0
    /// Waiting for the time of the next attempt.
    public internal(set) var scheduled = 0
    /// Waiting for their turn.
    public internal(set) var ready = 0
    /// Final, waiting to be recorded.
    public internal(set) var leaving = 0
    /// Handed out.
    public internal(set) var inFlight = 0
    /// Held by an operator.
    public internal(set) var held = 0

    /// All entries.
    public var total: Int { unresolved + scheduled + ready + leaving + inFlight + held }

    subscript(state: EntryState) -> Int {
        get {
            switch state {
            case .vacant: 0
            case .unresolved: unresolved
            case .scheduled: scheduled
            case .ready: ready
            case .leaving: leaving
            case .inFlight: inFlight
            case .held: held
            }
        }
        set {
            switch state {
            case .vacant: break
            case .unresolved: unresolved = newValue
            case .scheduled: scheduled = newValue
            case .ready: ready = newValue
            case .leaving: leaving = newValue
            case .inFlight: inFlight = newValue
            case .held: held = newValue
            }
        }
    }
}

/// A site as `baton status` shows it.
public struct SiteStatus: Hashable, Sendable {
    /// Its key.
    public let site: SiteKey
    /// Entries waiting for their turn there.
    public let ready: Int
    /// Deliveries in progress there.
    public let inFlight: Int
    /// Deliveries it may have in progress now.
    public let concurrency: Int
    /// Why nothing but a probe goes there; nil for a site in order.
    public let reason: DelayReason?
}

/// A destination's waiting entries by age, as qshape shows them.
public struct DestinationShape: Hashable, Sendable {
    /// The destination.
    public let destination: DestinationKey
    /// Its site, once resolved.
    public let site: SiteKey?
    /// Number of entries not older than the bound of the same place; one more for older ones.
    public internal(set) var counts: [Int]
}
