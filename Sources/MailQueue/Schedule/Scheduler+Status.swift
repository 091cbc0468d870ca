import Ports

/// What people are shown.
extension Scheduler {
    /// Why the entry is not being delivered at this moment; nil for a stale id.
    public func delayReason(_ id: EntryID, now: Timestamp) -> DelayReason? {
        guard let index = index(of: id) else { return nil }
        let entry = entries[index]
        switch entry.state {
        case .vacant: return nil
        case .held: return .held
        case .leaving: return .settling
        case .inFlight: return entry.place == .none ? .settling : .inFlight
        case .scheduled: return .retry(until: Timestamp(second: entry.dueSeconds))
        case .unresolved:
            let destination = destinations[entry.destination]
            guard destination.state == .unavailable else { return .resolving }
            return .unresolvable(until: Timestamp(second: destination.validUntil))
        case .ready:
            let site = flows[entry.place].site
            if let reason = suspension(site) { return reason }
            if Int(sites[site].inFlight) >= capacity(site) { return .siteLimit(inFlight: Int(sites[site].inFlight)) }
            return delivering >= settings.maxInFlight ? .totalLimit : .turn
        }
    }

    private func suspension(_ site: UInt32) -> DelayReason? {
        switch sites[site].condition {
        case .open: nil
        case .unavailable: .siteUnavailable(until: Timestamp(second: sites[site].probeSecond))
        case .throttled: .siteThrottled(until: Timestamp(second: sites[site].probeSecond))
        }
    }

    /// The key of a destination that `.resolve` named; nil once it is forgotten.
    public func key(of destination: DestinationID) -> DestinationKey? {
        index(of: destination).map { destinations[$0].key }
    }

    /// The key of a site; nil once it is forgotten.
    public func key(of site: SiteID) -> SiteKey? { index(of: site).map { sites[$0].key } }

    /// The destination of an entry; nil for a stale id.
    public func destination(of id: EntryID) -> DestinationKey? {
        index(of: id).map { destinations[entries[$0].destination].key }
    }

    /// The sender of an entry; nil for a stale id.
    public func sender(of id: EntryID) -> SenderKey? { index(of: id).map { senders[entries[$0].sender].key } }

    /// The site where the entry waits or is being delivered; nil while that is not known.
    public func site(of id: EntryID) -> SiteID? {
        guard let index = index(of: id), let site = siteIndex(of: entries[index]) else { return nil }
        return self.id(ofSite: site)
    }

    private func siteIndex(of entry: ScheduleEntry) -> UInt32? {
        guard entry.place != .none else { return nil }
        return entry.state == .ready ? flows[entry.place].site : entry.place
    }

    /// The ids of up to `limit` entries with an index of at least `start`, in order of index: a way to walk
    /// through all of them in bounded steps.
    public func entries(from start: UInt32, limit: Int) -> [EntryID] {
        var ids: [EntryID] = []
        var index = start
        while index < entries.bound, ids.count < limit {
            if entries[index].state != .vacant { ids.append(id(of: index)) }
            index += 1
        }
        return ids
    }

    /// All entries as they are now.
    public var snapshot: ScheduleSnapshot {
        ScheduleSnapshot(entries: entries, destinations: destinations, senders: senders)
    }

    /// A site's state; nil once it is forgotten.
    public func status(of site: SiteID) -> SiteStatus? { index(of: site).map(status) }

    /// The state of every site with entries waiting or in flight.
    public var siteStatuses: [SiteStatus] {
        (0..<sites.bound).filter { sites[$0].ready > 0 || sites[$0].inFlight > 0 }.map(status)
    }

    private func status(_ index: UInt32) -> SiteStatus {
        SiteStatus(site: sites[index].key, ready: Int(sites[index].ready), inFlight: Int(sites[index].inFlight),
                   concurrency: capacity(index), reason: suspension(index))
    }

    /// Waiting entries of each destination by age, `bounds` in rising order.
    public func shape(bounds: [Duration], now: Timestamp) -> [DestinationShape] {
        var shapes: [UInt32: DestinationShape] = [:]
        let limits = bounds.map(\.wholeSeconds)
        let second = now.wholeSecond
        for index in 0..<entries.bound where entries[index].state != .vacant {
            let destination = entries[index].destination
            let age = second - min(entries[index].arrivalSeconds, second)
            let bucket = limits.firstIndex { age <= $0 } ?? limits.count
            shapes[destination, default: emptyShape(destination, buckets: limits.count + 1)].counts[bucket] += 1
        }
        return shapes.keys.sorted().compactMap { shapes[$0] }
    }

    private func emptyShape(_ index: UInt32, buckets: Int) -> DestinationShape {
        let site = destinations[index].site
        return DestinationShape(destination: destinations[index].key, site: site == .none ? nil : sites[site].key,
                                counts: Array(repeating: 0, count: buckets))
    }
}
