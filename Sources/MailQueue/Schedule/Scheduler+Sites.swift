import Ports

/// Sites: whose turn it is, how much they take, and leaving those alone that do not answer.
extension Scheduler {
    /// What a sender may start in one turn, in the unit of `EntryDraft.cost`.
    static let quantum: Int32 = 4
    private static let maxTurnsPerCall = 256
    private static let maxMovesPerCall = 32
    private static let maxIdleSites = 20_000
    /// Wait before the next probe where one said nothing of the site.
    private static let lostProbeSeconds: UInt32 = 5

    func index(of id: SiteID) -> UInt32? {
        guard id.index < sites.bound, sites[id.index].generation == id.generation else { return nil }
        return id.index
    }

    func id(ofSite index: UInt32) -> SiteID { SiteID(index: index, generation: sites[index].generation) }

    /// Deliveries that the site may have in progress now.
    func capacity(_ index: UInt32) -> Int {
        if sites[index].condition == .open { return sites[index].window.capacity(max: settings.maxSiteConcurrency) }
        // The one probe goes out when nothing that was started before can still tell that the site is alive.
        return sites[index].probeSecond <= clock && sites[index].inFlight == 0 ? 1 : 0
    }

    /// Adds the site to the ring of those that may start something, or takes it out.
    mutating func updateEligibility(_ index: UInt32) {
        let isEligible = sites[index].ready > 0 && Int(sites[index].inFlight) < capacity(index)
        if isEligible != sites[index].isEligible {
            sites[index].isEligible = isEligible
            if isEligible { eligibleSites.append(index, in: &sites) } else { eligibleSites.remove(index, in: &sites) }
        }
        if !isEligible { siteMayBeIdle(index) }
    }

    /// Starts an entry of the site whose turn it is.
    mutating func nextStart() -> SchedulerAction? {
        for _ in 0..<Self.maxMovesPerCall {
            let site = eligibleSites.first
            guard delivering < settings.maxInFlight, site != .none else { return nil }
            eligibleSites.rotate(in: &sites)
            if let entry = takeTurn(at: site) { return .start(id(of: entry), id(ofSite: site)) }
        }
        return nil
    }

    /// Takes the next entry of a site that is eligible: of the sender whose turn it is, the oldest.
    mutating func takeTurn(at site: UInt32) -> UInt32? {
        for _ in 0..<Self.maxMovesPerCall {
            guard sites[site].isEligible, let entry = nextInTurn(at: site) else { return nil }
            let destination = entries[entry].destination
            guard isUsable(destination), destinations[destination].site == site else {
                // The answer that brought it here is no longer good.
                detach(entry)
                makeReady(entry)
                continue
            }
            let flow = entries[entry].place
            flows[flow].deficit -= Int32(entries[entry].cost)
            detach(entry)
            setState(entry, .inFlight)
            entries[entry].place = site
            sites[site].inFlight += 1
            delivering += 1
            updateEligibility(site)
            return entry
        }
        return nil
    }

    /// The oldest entry of the flow whose turn it is, after flows that owe have paid with their turn.
    private mutating func nextInTurn(at site: UInt32) -> UInt32? {
        for _ in 0..<Self.maxTurnsPerCall {
            let flow = sites[site].turns.first
            guard flow != .none else { return nil }
            if flows[flow].deficit > 0 { break }
            passTurn(at: site)
        }
        return flows[sites[site].turns.first].entries.first(in: entries)
    }

    private mutating func passTurn(at site: UInt32) {
        flows[sites[site].turns.first].deficit += Self.quantum
        sites[site].turns.rotate(in: &flows)
    }

    // MARK: Feedback

    /// Takes what an attempt told of the site.
    mutating func learn(_ feedback: SiteFeedback, of index: UInt32, random: any RandomSource) {
        switch feedback {
        case .delivered:
            open(index)
            sites[index].window.delivered(max: settings.maxSiteConcurrency)
        case .answered:
            open(index)
            sites[index].window.answered()
        case .throttled:
            let isExhausted = sites[index].window.throttled()
            if isExhausted || sites[index].condition != .open { suspend(index, .throttled, random: random) }
        case .unavailable:
            let isExhausted = sites[index].window.failed()
            if isExhausted || sites[index].condition != .open { suspend(index, .unavailable, random: random) }
        case .none:
            if sites[index].condition != .open, sites[index].probeSecond <= clock {
                setProbe(index, at: clock.advanced(bySeconds: Self.lostProbeSeconds))
            }
        }
    }

    private mutating func open(_ index: UInt32) {
        guard sites[index].condition != .open else { return }
        siteTimers.remove(index, in: &sites)
        sites[index].condition = .open
        sites[index].probes = 0
        sites[index].window = ConcurrencyWindow(initial: settings.initialSiteConcurrency)
    }

    private mutating func suspend(_ index: UInt32, _ condition: Site.Condition, random: any RandomSource) {
        // Attempts from before the suspension that fail now tell nothing new.
        if sites[index].condition != .open, sites[index].probeSecond > clock { return }
        sites[index].condition = condition
        let wait = probeWait(after: sites[index].probes, random: random)
        sites[index].probes = sites[index].probes == .max ? .max : sites[index].probes + 1
        setProbe(index, at: clock.advanced(bySeconds: wait))
    }

    private mutating func setProbe(_ index: UInt32, at second: UInt32) {
        siteTimers.remove(index, in: &sites)
        sites[index].probeSecond = second
        siteTimers.insert(index, at: second, in: &sites)
    }

    /// Seconds until a site or destination is tried again that did not answer `failures` times before.
    func probeWait(after failures: UInt8, random: any RandomSource) -> UInt32 {
        guard let last = settings.probeIntervals.last else { return 3600 }
        let interval = Int(failures) < settings.probeIntervals.count ? settings.probeIntervals[Int(failures)] : last
        return max(random.jitter(interval, by: settings.retry.jitter).wholeSeconds, 1)
    }

    mutating func siteTimerFired(_ index: UInt32) {
        guard sites[index].condition != .open else { return }
        if sites[index].probeSecond > clock {
            siteTimers.insert(index, at: sites[index].probeSecond, in: &sites)
        } else {
            updateEligibility(index)
        }
    }

    /// Lets a probe go out without waiting for its time.
    mutating func probeNow(_ index: UInt32) {
        guard sites[index].condition != .open else { return }
        siteTimers.remove(index, in: &sites)
        sites[index].probeSecond = min(sites[index].probeSecond, clock)
        updateEligibility(index)
    }

    // MARK: Interning

    mutating func internSite(_ key: SiteKey) -> UInt32 {
        if let known = siteIndex[key] {
            let isOld = sites[known].isIdle
                && clock > sites[known].idleSecond.advanced(bySeconds: settings.siteMemory.wholeSeconds)
            if isOld { open(known) }
            if isOld { sites[known].window = ConcurrencyWindow(initial: settings.initialSiteConcurrency) }
            return known
        }
        let initial = settings.initialSiteConcurrency
        let index = sites.allocate { vacated in
            Site(key: key, generation: (vacated?.generation ?? 0) &+ 1, window: ConcurrencyWindow(initial: initial))
        }
        siteIndex[key] = index
        return index
    }

    mutating func siteIsBusy(_ index: UInt32) {
        guard sites[index].isIdle else { return }
        sites[index].isIdle = false
        idleSites.remove(index, in: &sites)
        idleSiteCount -= 1
    }

    /// Keeps what was learnt of a site that nothing refers to any more, as long as there is room.
    private mutating func siteMayBeIdle(_ index: UInt32) {
        guard !sites[index].isIdle, sites[index].ready == 0, sites[index].inFlight == 0,
              sites[index].destinations == 0 else { return }
        sites[index].isIdle = true
        sites[index].idleSecond = clock
        idleSites.append(index, in: &sites)
        idleSiteCount += 1
        guard idleSiteCount > Self.maxIdleSites, let oldest = idleSites.popFirst(in: &sites) else { return }
        idleSiteCount -= 1
        siteTimers.remove(oldest, in: &sites)
        siteIndex[sites[oldest].key] = nil
        sites[oldest].generation &+= 1
        sites.vacate(oldest)
    }
}
