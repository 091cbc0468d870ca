import Ports

/// Entries on their way from one state to the next.
///
/// An entry that is not in flight, held or leaving is in the timer wheel, at the first of its next
/// attempt, its next delay notice and the end of its lifetime.
extension Scheduler {
    func index(of id: EntryID) -> UInt32? {
        guard id.index < entries.bound else { return nil }
        let entry = entries[id.index]
        return entry.generation == id.generation && entry.state != .vacant ? id.index : nil
    }

    func id(of index: UInt32) -> EntryID { EntryID(index: index, generation: entries[index].generation) }

    mutating func setState(_ index: UInt32, _ state: EntryState) {
        counts[entries[index].state] -= 1
        counts[state] += 1
        entries[index].state = state
    }

    /// Has the entry wait for the time of its next attempt.
    mutating func schedule(_ index: UInt32) {
        setState(index, .scheduled)
        armTimer(index)
    }

    /// Has the entry wait for its turn at its site, or for a resolution that says which site that is.
    mutating func makeReady(_ index: UInt32) {
        let destination = entries[index].destination
        if isUsable(destination), destinations[destination].state == .resolved {
            setState(index, .ready)
            joinFlow(index, site: destinations[destination].site)
        } else {
            setState(index, .unresolved)
            destinations[destination].waiting.append(index, in: &entries)
            if isUsable(destination) { drain(destination) } else { askFor(destination) }
        }
        armTimer(index)
    }

    /// Marks the entry as final; it is handed out as soon as the host may get another such one.
    mutating func leave(_ index: UInt32, as reason: ScheduleEntry.Flags) {
        entryTimers.remove(index, in: &entries)
        setState(index, .leaving)
        entries[index].flags.insert(reason)
        leaving.append(index, in: &entries)
    }

    /// Takes the entry out of whatever it waits in; its state is stale until the caller sets the next one.
    mutating func detach(_ index: UInt32) {
        entryTimers.remove(index, in: &entries)
        switch entries[index].state {
        case .unresolved: destinations[entries[index].destination].waiting.remove(index, in: &entries)
        case .ready: leaveFlow(index)
        case .leaving:
            leaving.remove(index, in: &entries)
            entries[index].flags.subtract([.expired, .undeliverable])
        case .scheduled, .inFlight, .held, .vacant: break
        }
    }

    /// Ends the flight of an entry, before its next state is known.
    mutating func land(_ index: UInt32, feedback: SiteFeedback, random: any RandomSource) {
        let site = entries[index].place
        entries[index].place = .none
        if site == .none {
            settling -= 1
            entries[index].flags.remove(.undeliverable)
            return
        }
        delivering -= 1
        sites[site].inFlight -= 1
        learn(feedback, of: site, random: random)
        updateEligibility(site)
    }

    /// Forgets an entry that waits in nothing.
    mutating func forget(_ index: UInt32) {
        let destination = entries[index].destination
        let sender = entries[index].sender
        setState(index, .vacant)
        entries[index].generation &+= 1
        entries.vacate(index)
        releaseDestination(destination)
        senders[sender].entries -= 1
        if senders[sender].entries == 0 {
            senderIndex[senders[sender].key] = nil
            senders.vacate(sender)
        }
    }

    mutating func internSender(_ key: SenderKey) -> UInt32 {
        if let known = senderIndex[key] { return known }
        let index = senders.allocate { _ in Sender(key: key) }
        senderIndex[key] = index
        return index
    }

    // MARK: Flows

    /// Adds a ready entry to its sender's flow at a site.
    mutating func joinFlow(_ index: UInt32, site: UInt32) {
        let sender = entries[index].sender
        let flow: UInt32
        if let known = sites[site].flows.find(UInt64(sender), in: flows) {
            flow = known
        } else {
            flow = flows.allocate { _ in Flow(site: site, sender: sender, deficit: Self.quantum) }
            sites[site].flows.insert(flow, in: &flows)
            sites[site].turns.append(flow, in: &flows)
        }
        entries[index].place = flow
        flows[flow].entries.insert(index, in: &entries)
        flows[flow].count += 1
        sites[site].ready += 1
        if sites[site].ready == 1 { siteIsBusy(site) }
        updateEligibility(site)
    }

    /// Takes an entry out of its flow; a flow without entries is forgotten, and its deficit with it.
    mutating func leaveFlow(_ index: UInt32) {
        let flow = entries[index].place
        let site = flows[flow].site
        entries[index].place = .none
        flows[flow].entries.remove(index, in: &entries)
        flows[flow].count -= 1
        sites[site].ready -= 1
        if flows[flow].count == 0 {
            sites[site].turns.remove(flow, in: &flows)
            sites[site].flows.remove(flow, in: &flows)
            flows.vacate(flow)
        }
        updateEligibility(site)
    }
}
