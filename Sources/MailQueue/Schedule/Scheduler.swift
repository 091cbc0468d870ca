import Ports

/// Decides what is tried next: a pure value that is told the time and never waits for anything.
///
/// `docs/SCHEDULER.md` explains the rules. The host calls `next` until it says `.sleep`, `.idle`
/// or `.pause`, does what the actions say, and reports back with `resolved` and `finish`.
public struct Scheduler: Sendable {
    /// Limits and times in force.
    public internal(set) var settings: SchedulerSettings {
        didSet { lifetimes = Lifetimes(settings.retry) }
    }
    var lifetimes: Lifetimes

    /// How many entries are in which state.
    public internal(set) var counts = ScheduleCounts()
    /// Entries handed out by `start` and `nextForSite`.
    public internal(set) var delivering = 0
    /// Entries handed out by `fail` and `expire`.
    var settling = 0
    /// Destinations handed out by `resolve`.
    public internal(set) var resolving = 0
    var resolvingAgain = 0

    var entries = Slab<ScheduleEntry>()
    var flows = Slab<Flow>()
    var sites = Slab<Site>()
    var destinations = Slab<Destination>()
    var senders = Slab<Sender>()
    var siteIndex: [SiteKey: UInt32] = [:]
    var destinationIndex: [DestinationKey: UInt32] = [:]
    var senderIndex: [SenderKey: UInt32] = [:]

    var entryTimers: TimerWheel
    var siteTimers: TimerWheel
    var destinationTimers: TimerWheel

    /// Sites that may start something now, each once, in the order of their turns.
    var eligibleSites = LinkedList()
    /// Destinations to be resolved: those not asked for in vain before, and those that were.
    var unasked = LinkedList()
    var askedInVain = LinkedList()
    /// Destinations whose waiting entries can move on.
    var draining = LinkedList()
    /// Entries that are final and wait to be handed out.
    var leaving = LinkedList()
    /// Sites and destinations without entries, oldest first.
    var idleSites = LinkedList()
    var idleDestinations = LinkedList()
    var idleSiteCount = 0
    var idleDestinationCount = 0

    /// The current second; it never goes back.
    var clock: UInt32
    /// Number of reloads; resolutions of an earlier one are not used.
    var epoch: UInt32 = 0
    /// Whose turn it is when both housekeeping and deliveries have something to do.
    var startsFirst = false

    /// An empty scheduler.
    public init(settings: SchedulerSettings = SchedulerSettings(), now: Timestamp) {
        self.settings = settings
        lifetimes = Lifetimes(settings.retry)
        clock = now.wholeSecond
        entryTimers = TimerWheel(current: clock)
        siteTimers = TimerWheel(current: clock)
        destinationTimers = TimerWheel(current: clock)
    }

    /// Takes an entry, new or recovered.
    public mutating func insert(_ draft: EntryDraft, now: Timestamp) -> EntryID {
        advanceClock(to: now)
        let destination = internDestination(draft.destination)
        let sender = internSender(draft.sender)
        let due = draft.due?.deadlineSecond ?? 0
        let index = entries.allocate { vacated in
            ScheduleEntry(draft, destination: destination, sender: sender, due: due, generation: vacated?.generation ?? 0)
        }
        retainDestination(destination)
        senders[sender].entries += 1
        if draft.isHeld {
            setState(index, .held)
        } else if due > clock {
            schedule(index)
        } else if expirySecond(entries[index]) <= clock {
            // It should have been tried before its lifetime ended, and nobody was there to do it.
            tryOnceMore(index)
        } else {
            makeReady(index)
        }
        return EntryID(index: index, generation: entries[index].generation)
    }

    /// The entry with `id`; nil for a stale id.
    public subscript(id: EntryID) -> ScheduleEntry? {
        guard let index = index(of: id) else { return nil }
        return entries[index]
    }

    /// Changes the queue's own word of an entry.
    public mutating func setPayload(_ payload: UInt64, of id: EntryID) {
        guard let index = index(of: id) else { return }
        entries[index].payload = payload
    }

    /// The next thing to do. Bounded work: a call handles at most a few dozen timers.
    public mutating func next(now: Timestamp, random: any RandomSource) -> SchedulerAction {
        advanceClock(to: now)
        if startsFirst {
            startsFirst = false
            if let action = nextStart() { return action }
        }
        if let action = handleTimers() ?? nextSettling() {
            // Otherwise a million notices at one moment would hold up all deliveries.
            startsFirst = true
            return action
        }
        if let action = nextLookup() ?? nextStart() { return action }
        if hasWorkAtHand { return .pause }
        let seconds = [entryTimers.nextSecond, siteTimers.nextSecond, destinationTimers.nextSecond]
        guard let second = seconds.compactMap({ $0 }).min() else { return .idle }
        return .sleep(until: Timestamp(second: max(second, clock + 1)))
    }

    /// The next entry for a connection to `site` that has just become free; nil: give the connection up.
    ///
    /// Follows the same limits and fair shares as `next`; the entry is in flight when it is returned.
    public mutating func nextForSite(_ site: SiteID, now: Timestamp, random: any RandomSource) -> EntryID? {
        advanceClock(to: now)
        guard let index = index(of: site), sites[index].isEligible, delivering < settings.maxInFlight else { return nil }
        // With all slots taken, keeping the last one would starve the sites that wait for one.
        if delivering + 1 >= settings.maxInFlight, eligibleSites.first != index { return nil }
        guard let entry = takeTurn(at: index) else { return nil }
        return id(of: entry)
    }

    /// The answer to `.start`, `.fail`, `.expire` and `nextForSite`: what became of the entry, and what it tells of the site.
    public mutating func finish(_ id: EntryID, _ verdict: AttemptVerdict, feedback: SiteFeedback,
                                now: Timestamp, random: any RandomSource) -> FinishResult {
        advanceClock(to: now)
        guard let index = index(of: id), entries[index].state == .inFlight else { return .unknown }
        let wasAttempt = entries[index].place != .none
        land(index, feedback: feedback, random: random)
        switch verdict {
        case .settled:
            forget(index)
            return .settled
        case .deferred(let atLeast):
            if wasAttempt {
                entries[index].attempts = UInt16(clamping: Int(entries[index].attempts) + 1)
                entries[index].flags.remove(.lastTry)
            }
            let wait = settings.retry.wait(afterAttempts: Int(entries[index].attempts), random: random)
            return postpone(index, until: now + max(wait, atLeast))
        case .aborted:
            return postpone(index, until: now + .seconds(Int64(5 + random.next(below: 10))))
        case .again:
            if entries[index].flags.contains(.holdAfterAttempt) { return postpone(index, until: now) }
            makeReady(index)
            return .ready
        }
    }

    /// Whether bounded work was left over for another call.
    private var hasWorkAtHand: Bool {
        entryTimers.hasPending || siteTimers.hasPending || destinationTimers.hasPending
            || !draining.isEmpty || hasLookup || (!eligibleSites.isEmpty && delivering < settings.maxInFlight)
    }

    /// Puts an entry that was in flight where it waits for its next attempt.
    private mutating func postpone(_ index: UInt32, until due: Timestamp) -> FinishResult {
        entries[index].dueSeconds = due.deadlineSecond
        let flags = entries[index].flags
        entries[index].flags.subtract([.holdAfterAttempt, .retryAfterAttempt])
        if flags.contains(.holdAfterAttempt) {
            setState(index, .held)
            return .held
        }
        if flags.contains(.retryAfterAttempt) {
            entries[index].dueSeconds = 0
            makeReady(index)
            return .ready
        }
        schedule(index)
        return .deferred(at: Timestamp(second: entries[index].dueSeconds))
    }
}

extension ScheduleEntry {
    init(_ draft: EntryDraft, destination: UInt32, sender: UInt32, due: UInt32, generation: UInt16) {
        self.init(message: draft.message, payload: draft.payload, destination: destination, sender: sender,
                  arrivalSeconds: draft.arrival.wholeSecond, dueSeconds: due, attempts: draft.attempts,
                  generation: generation, cost: min(max(draft.cost, 1), UInt8(EntryDraft.maxCost)), state: .vacant,
                  flags: draft.isBounce ? .bounce : [], noticesGiven: draft.noticesGiven)
    }
}
