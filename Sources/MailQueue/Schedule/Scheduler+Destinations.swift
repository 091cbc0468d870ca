import Ports

/// Destinations: asking where their mail goes, and moving the mail that waits for the answer.
extension Scheduler {
    private static let movesPerCall = 32
    private static let maxIdleDestinations = 20_000
    /// However short a record's time to live, an answer is used this long: otherwise it could expire before its first use.
    private static let minValiditySeconds: UInt32 = 30

    func index(of id: DestinationID) -> UInt32? {
        guard id.index < destinations.bound, destinations[id.index].generation == id.generation else { return nil }
        return id.index
    }

    /// Whether the destination's answer may be used now.
    func isUsable(_ index: UInt32) -> Bool {
        let destination = destinations[index]
        guard destination.state == .resolved || destination.state == .undeliverable else { return false }
        return destination.validUntil > clock && destination.epoch == epoch
    }

    /// The answer to `.resolve`; good until `validUntil`, after which the destination is resolved again before use.
    public mutating func resolved(_ destination: DestinationID, _ resolution: Resolution, validUntil: Timestamp,
                                  now: Timestamp, random: any RandomSource) {
        advanceClock(to: now)
        guard let index = index(of: destination), destinations[index].state == .resolving else { return }
        resolving -= 1
        if destinations[index].failures > 0 { resolvingAgain -= 1 }
        destinations[index].validUntil = max(validUntil.wholeSecond, clock.advanced(bySeconds: Self.minValiditySeconds))
        switch resolution {
        case .site(let key):
            setSite(of: index, to: internSite(key))
            settle(index, .resolved)
        case .undeliverable(let failure):
            setSite(of: index, to: .none)
            destinations[index].failure = failure
            settle(index, .undeliverable)
        case .unavailable:
            let wait = probeWait(after: destinations[index].failures, random: random)
            destinations[index].failures = destinations[index].failures == .max ? .max : destinations[index].failures + 1
            destinations[index].validUntil = clock.advanced(bySeconds: wait)
            destinations[index].state = .unavailable
            destinationTimers.insert(index, at: destinations[index].validUntil, in: &destinations)
        }
        if destinations[index].entries == 0 { makeIdle(index) }
    }

    private mutating func settle(_ index: UInt32, _ state: Destination.State) {
        destinations[index].state = state
        destinations[index].failures = 0
        if !destinations[index].waiting.isEmpty { drain(index) }
    }

    /// Queues the destination to be resolved, unless that is under way or was in vain a short while ago.
    mutating func askFor(_ index: UInt32) {
        switch destinations[index].state {
        case .queued, .resolving: return
        case .unavailable where destinations[index].validUntil > clock:
            if !TimerWheel.contains(index, in: destinations) {
                destinationTimers.insert(index, at: destinations[index].validUntil, in: &destinations)
            }
        case .unavailable, .unknown, .resolved, .undeliverable: enqueue(index)
        }
    }

    /// Resolves the destination again without waiting for its time; for one that waits in vain only.
    mutating func askAgain(_ index: UInt32) {
        guard destinations[index].state == .unavailable else { return }
        destinationTimers.remove(index, in: &destinations)
        enqueue(index)
    }

    mutating func destinationTimerFired(_ index: UInt32) {
        guard destinations[index].state == .unavailable else { return }
        if destinations[index].validUntil > clock {
            destinationTimers.insert(index, at: destinations[index].validUntil, in: &destinations)
        } else if !destinations[index].waiting.isEmpty {
            enqueue(index)
        }
    }

    private mutating func enqueue(_ index: UInt32) {
        if destinations[index].isDraining {
            draining.remove(index, in: &destinations)
            destinations[index].isDraining = false
        }
        destinations[index].state = .queued
        if destinations[index].failures > 0 {
            askedInVain.append(index, in: &destinations)
        } else {
            unasked.append(index, in: &destinations)
        }
    }

    private mutating func dequeue(_ index: UInt32) {
        if destinations[index].failures > 0 {
            askedInVain.remove(index, in: &destinations)
        } else {
            unasked.remove(index, in: &destinations)
        }
        destinations[index].state = .unknown
    }

    /// Hands out a destination to resolve. Those that failed before get half of the places at most, so that
    /// dead name servers do not hold up the others.
    mutating func nextLookup() -> SchedulerAction? {
        guard resolving < settings.maxResolving else { return nil }
        var index = unasked.popFirst(in: &destinations)
        if index == nil, resolvingAgain < max(settings.maxResolving / 2, 1) {
            index = askedInVain.popFirst(in: &destinations)
            if index != nil { resolvingAgain += 1 }
        }
        guard let index else { return nil }
        resolving += 1
        destinations[index].state = .resolving
        // Of the asking, not of the answer: a reload between them makes the answer void.
        destinations[index].epoch = epoch
        return .resolve(DestinationID(index: index, generation: destinations[index].generation))
    }

    /// Whether `nextLookup` would hand something out: a site's turn may have shown that its answer is no longer good.
    var hasLookup: Bool {
        guard resolving < settings.maxResolving else { return false }
        return !unasked.isEmpty || (!askedInVain.isEmpty && resolvingAgain < max(settings.maxResolving / 2, 1))
    }

    // MARK: Waiting entries

    /// Has the waiting entries move on, a few at each call of `next`.
    mutating func drain(_ index: UInt32) {
        guard !destinations[index].isDraining else { return }
        destinations[index].isDraining = true
        draining.append(index, in: &destinations)
    }

    /// Moves a bounded number of waiting entries, of one destination after the other.
    mutating func drainDestinations() {
        for _ in 0..<Self.movesPerCall {
            guard let index = draining.popFirst(in: &destinations) else { return }
            destinations[index].isDraining = false
            if !isUsable(index) {
                if !destinations[index].waiting.isEmpty { askFor(index) }
                continue
            }
            guard let entry = destinations[index].waiting.popFirst(in: &entries) else { continue }
            if destinations[index].state == .undeliverable {
                entries[entry].failure = destinations[index].failure
                leave(entry, as: .undeliverable)
            } else {
                setState(entry, .ready)
                joinFlow(entry, site: destinations[index].site)
            }
            if !destinations[index].waiting.isEmpty { drain(index) }
        }
    }

    // MARK: Interning

    mutating func internDestination(_ key: DestinationKey) -> UInt32 {
        if let known = destinationIndex[key] { return known }
        let index = destinations.allocate { vacated in
            Destination(key: key, generation: (vacated?.generation ?? 0) &+ 1)
        }
        destinationIndex[key] = index
        return index
    }

    mutating func retainDestination(_ index: UInt32) {
        destinations[index].entries += 1
        guard destinations[index].isIdle else { return }
        destinations[index].isIdle = false
        idleDestinations.remove(index, in: &destinations)
        idleDestinationCount -= 1
    }

    /// Gives up an entry's claim; a destination without entries keeps its answer for a while.
    mutating func releaseDestination(_ index: UInt32) {
        destinations[index].entries -= 1
        if destinations[index].entries == 0 { makeIdle(index) }
    }

    private mutating func makeIdle(_ index: UInt32) {
        switch destinations[index].state {
        case .resolving: return
        case .queued: dequeue(index)
        case .unknown, .resolved, .undeliverable, .unavailable: break
        }
        if destinations[index].isDraining {
            draining.remove(index, in: &destinations)
            destinations[index].isDraining = false
        }
        destinationTimers.remove(index, in: &destinations)
        destinations[index].isIdle = true
        idleDestinations.append(index, in: &destinations)
        idleDestinationCount += 1
        guard idleDestinationCount > Self.maxIdleDestinations,
              let oldest = idleDestinations.popFirst(in: &destinations) else { return }
        idleDestinationCount -= 1
        forgetDestination(oldest)
    }

    private mutating func forgetDestination(_ index: UInt32) {
        setSite(of: index, to: .none)
        destinationIndex[destinations[index].key] = nil
        destinations[index].generation &+= 1
        destinations.vacate(index)
    }

    private mutating func setSite(of index: UInt32, to site: UInt32) {
        let old = destinations[index].site
        guard old != site else { return }
        destinations[index].site = site
        if site != .none {
            sites[site].destinations += 1
            siteIsBusy(site)
        }
        if old != .none {
            sites[old].destinations -= 1
            updateEligibility(old)
        }
    }
}
