import Ports

/// What operators and reloads do to entries.
extension Scheduler {
    /// Holds an entry; one in flight is held when its attempt ends without settling it. False for a stale id.
    @discardableResult
    public mutating func hold(_ id: EntryID, now: Timestamp) -> Bool {
        advanceClock(to: now)
        guard let index = index(of: id) else { return false }
        switch entries[index].state {
        case .inFlight:
            entries[index].flags.insert(.holdAfterAttempt)
            entries[index].flags.remove(.retryAfterAttempt)
        case .held: break
        case .unresolved, .scheduled, .ready, .leaving, .vacant:
            detach(index)
            setState(index, .held)
        }
        return true
    }

    /// Ends a hold: the entry is tried at once, or by its schedule where its next attempt is still to come.
    ///
    /// One whose lifetime ended meanwhile gets one more attempt. False for a stale id and for an entry that is not held.
    @discardableResult
    public mutating func release(_ id: EntryID, now: Timestamp) -> Bool {
        advanceClock(to: now)
        guard let index = index(of: id) else { return false }
        if entries[index].state == .inFlight, entries[index].flags.contains(.holdAfterAttempt) {
            entries[index].flags.remove(.holdAfterAttempt)
            return true
        }
        guard entries[index].state == .held else { return false }
        entries[index].flags.remove(.expired)
        if expirySecond(entries[index]) <= clock {
            tryOnceMore(index)
        } else if entries[index].dueSeconds > clock {
            schedule(index)
        } else {
            makeReady(index)
        }
        return true
    }

    /// Tries a waiting entry at once, probing its site if need be. False for a stale id and for an entry that is held.
    @discardableResult
    public mutating func retryNow(_ id: EntryID, now: Timestamp) -> Bool {
        advanceClock(to: now)
        guard let index = index(of: id) else { return false }
        switch entries[index].state {
        case .held, .vacant: return false
        case .inFlight:
            if entries[index].flags.contains(.holdAfterAttempt) { return false }
            entries[index].flags.insert(.retryAfterAttempt)
        case .leaving: break
        case .scheduled:
            entries[index].dueSeconds = clock
            makeReady(index)
        case .unresolved, .ready: break
        }
        if entries[index].state == .ready { probeNow(flows[entries[index].place].site) }
        if entries[index].state == .unresolved { askAgain(entries[index].destination) }
        return true
    }

    /// Forgets an entry; false for a stale id and for one in flight, which must be finished first.
    @discardableResult
    public mutating func remove(_ id: EntryID, now: Timestamp) -> Bool {
        advanceClock(to: now)
        guard let index = index(of: id), entries[index].state != .inFlight else { return false }
        detach(index)
        forget(index)
        return true
    }

    /// Makes everything that waits for a time due at once: sites, destinations, entries; held entries stay held.
    ///
    /// The call itself takes constant time; `next` then works through what waits.
    public mutating func flush(now: Timestamp) {
        advanceClock(to: now)
        siteTimers.takeAll(asFlushed: true, in: &sites)
        destinationTimers.takeAll(asFlushed: true, in: &destinations)
        entryTimers.takeAll(asFlushed: true, in: &entries)
    }

    /// Moves an entry to another destination, after a reload changed its route. False for a stale id.
    @discardableResult
    public mutating func reroute(_ id: EntryID, to destination: DestinationKey, now: Timestamp) -> Bool {
        advanceClock(to: now)
        guard let index = index(of: id) else { return false }
        let old = entries[index].destination
        let new = internDestination(destination)
        guard new != old else { return true }
        let state = entries[index].state
        let waitsThere = state == .ready || state == .unresolved
            || (state == .leaving && entries[index].flags.contains(.undeliverable))
        if waitsThere { detach(index) }
        retainDestination(new)
        entries[index].destination = new
        releaseDestination(old)
        if waitsThere { makeReady(index) }
        return true
    }

    /// Puts new settings in force and has every destination resolved again before its next use.
    public mutating func apply(_ settings: SchedulerSettings, now: Timestamp) {
        advanceClock(to: now)
        self.settings = settings
        epoch &+= 1
        // Lifetimes and notice points may have moved: every timer gets a second look.
        entryTimers.takeAll(asFlushed: false, in: &entries)
        // Sites gain or lose capacity when they next start or finish something; those at rest need a push.
        for index in 0..<sites.bound where sites[index].ready > 0 { updateEligibility(index) }
    }
}
