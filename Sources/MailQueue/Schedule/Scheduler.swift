import Ports

/// Decides what is tried next: a pure value that is told the time and never waits for anything.
///
/// `docs/SCHEDULER.md` explains the rules. The host calls `next` until it says `.sleep`, `.idle`
/// or `.pause`, does what the actions say, and reports back with `resolved` and `finish`.
public struct Scheduler: Sendable {
    /// Limits and times in force.
    public private(set) var settings: SchedulerSettings

    /// An empty scheduler.
    public init(settings: SchedulerSettings = SchedulerSettings(), now: Timestamp) {
        self.settings = settings
    }

    /// How many entries are in which state.
    public var counts: ScheduleCounts { fatalError() }

    /// Takes an entry, new or recovered.
    public mutating func insert(_ draft: EntryDraft, now: Timestamp) -> EntryID { fatalError() }

    /// The entry with `id`; nil for a stale id.
    public subscript(id: EntryID) -> ScheduleEntry? { fatalError() }

    /// Changes the queue's own word of an entry.
    public mutating func setPayload(_ payload: UInt64, of id: EntryID) { fatalError() }

    /// The next thing to do. Bounded work: a call handles at most a few dozen timers.
    public mutating func next(now: Timestamp, random: any RandomSource) -> SchedulerAction { fatalError() }

    /// The next entry for a connection to `site` that has just become free; nil: give the connection up.
    ///
    /// Follows the same limits and fair shares as `next`; the entry is in flight when it is returned.
    public mutating func nextForSite(_ site: SiteID, now: Timestamp, random: any RandomSource) -> EntryID? { fatalError() }

    /// The answer to `.resolve`; good until `validUntil`, after which the destination is resolved again before use.
    public mutating func resolved(_ destination: DestinationID, _ resolution: Resolution, validUntil: Timestamp,
                                  now: Timestamp, random: any RandomSource) { fatalError() }

    /// The answer to `.start`, `.fail`, `.expire` and `nextForSite`: what became of the entry, and what it tells of the site.
    public mutating func finish(_ id: EntryID, _ verdict: AttemptVerdict, feedback: SiteFeedback,
                                now: Timestamp, random: any RandomSource) -> FinishResult { fatalError() }

    /// Holds an entry; one in flight is held when its attempt ends without settling it. False for a stale id.
    public mutating func hold(_ id: EntryID, now: Timestamp) -> Bool { fatalError() }
    /// Ends a hold: the entry is tried at once, or by its schedule where its next attempt is still to come.
    public mutating func release(_ id: EntryID, now: Timestamp) -> Bool { fatalError() }
    /// Tries a waiting entry at once, probing its site if need be; a held one stays held. False for a stale or held one.
    public mutating func retryNow(_ id: EntryID, now: Timestamp) -> Bool { fatalError() }
    /// Forgets an entry; false for a stale id and for one in flight, which must be finished first.
    public mutating func remove(_ id: EntryID, now: Timestamp) -> Bool { fatalError() }
    /// Makes everything that waits for a time due at once: entries, sites, destinations; held entries stay held.
    public mutating func flush(now: Timestamp) { fatalError() }

    /// Moves an entry to another destination, after a reload changed its route; one in flight moves when its attempt ends.
    public mutating func reroute(_ id: EntryID, to destination: DestinationKey, now: Timestamp) -> Bool { fatalError() }
    /// Puts new settings in force and has every destination resolved again before its next use.
    public mutating func apply(_ settings: SchedulerSettings, now: Timestamp) { fatalError() }

    /// Why the entry is not being delivered at this moment; nil for a stale id.
    public func delayReason(_ id: EntryID, now: Timestamp) -> DelayReason? { fatalError() }
    /// The key of a destination that `.resolve` named; nil once it is forgotten.
    public func key(of destination: DestinationID) -> DestinationKey? { fatalError() }
    /// The key of a site; nil once it is forgotten.
    public func key(of site: SiteID) -> SiteKey? { fatalError() }
    /// The destination of an entry; nil for a stale id.
    public func destination(of id: EntryID) -> DestinationKey? { fatalError() }
    /// The sender of an entry; nil for a stale id.
    public func sender(of id: EntryID) -> SenderKey? { fatalError() }
    /// The ids of up to `limit` entries with an index of at least `start`, in order of index: a way to walk
    /// through all of them in bounded steps.
    public func entries(from start: UInt32, limit: Int) -> [EntryID] { fatalError() }
    /// All entries as they are now.
    public var snapshot: ScheduleSnapshot { fatalError() }
    /// A site's state; nil once it is forgotten.
    public func status(of site: SiteID) -> SiteStatus? { fatalError() }
    /// The state of every site with entries waiting or in flight.
    public var sites: [SiteStatus] { fatalError() }
    /// Waiting entries of each destination by age, `bounds` in rising order.
    public func shape(bounds: [Duration], now: Timestamp) -> [DestinationShape] { fatalError() }
}
