import Events
import MessageFormat
import Ports

/// Where a node is in reading its places.
struct PlaceReading {
    /// How many places are this node's share, as of the last answer; a few to begin with.
    var share = 8
    /// A round is under way.
    var isRunning = false
    /// Another round was asked for meanwhile.
    var isWanted = false
    /// Entries that ended since the round's question was asked: its answer may still name them.
    var ended: Set<EntryName> = []
    var timer: LoopTimer?
}

/// Claiming, renewing, reading and giving back places.
extension SharedQueue {
    // MARK: Renewing

    func renewLater() {
        _ = core.schedule(at: core.now + nodeSettings.renewInterval) { [weak self] in self?.renew() }
    }

    // A chain of its own: a slow answer to another question must not cost the leases.
    private func renew() {
        guard state != .gone else { return }
        renewLater()
        let asked = leases.all.map(\.lease)
        guard !asked.isEmpty else { return }
        let trustedUntil = core.now + nodeSettings.trustedLease
        store.renew(asked, for: nodeSettings.lease, on: core) { [weak self] result in
            guard let self, case .success(let renewed) = result else { return }
            let kept = Set(renewed)
            for lease in asked {
                if !kept.contains(lease) {
                    self.lost(lease)
                } else if self.leases.holds(lease) {
                    self.leases.take(lease, trustedUntil: trustedUntil)
                }
            }
            self.workArrived?()
        }
    }

    /// A lease is over: its entries belong to another node.
    func lost(_ lease: PlaceLease) {
        guard leases.holds(lease), let held = leases[lease.place] else { return }
        leases[lease.place] = nil
        for number in held.entries.sorted() {
            guard let entry = entries[number] else { continue }
            // The name is free again: should the place come back, so does the entry.
            names[entry.kept.name] = nil
            entries[number]?.isOrphan = true
            forgetOrphan(number)
        }
    }

    // MARK: Rounds

    /// Reads the places soon, because there is something new.
    func readSoon() {
        if reading.isRunning {
            reading.isWanted = true
        } else {
            core.execute { [weak self] in self?.readPlaces() }
        }
    }

    /// One round: claim what is free, read what is ours, give back what is too much.
    func readPlaces() {
        guard !reading.isRunning, state != .gone else { return }
        reading.isRunning = true
        reading.isWanted = false
        reading.timer?.cancel()
        claim { self.read { self.giveBack { self.endRound() } } }
    }

    private func endRound() {
        reading.isRunning = false
        if state == .leaving, leases.count == 0 {
            state = .gone
            left?()
            left = nil
            return
        }
        if reading.isWanted { return readSoon() }
        // Not all nodes at the same moment.
        let wait = random.jitter(nodeSettings.readInterval, by: 0.2)
        reading.timer = core.schedule(at: core.now + wait) { [weak self] in self?.readPlaces() }
    }

    private func claim(_ next: @escaping @Sendable () -> Void) {
        guard state == .serving else { return next() }
        let trustedUntil = core.now + nodeSettings.trustedLease
        let room = max(0, min(nodeSettings.maxClaim, reading.share - leases.count))
        store.claim(PlaceClaim(node: node, limit: room, duration: nodeSettings.lease), on: core) { [weak self] result in
            guard let self else { return }
            if case .success(let answer) = result {
                // Left meanwhile: what is not renewed goes by itself.
                if self.state == .serving {
                    for lease in answer.leases { self.adopt(lease, trustedUntil: trustedUntil) }
                }
                self.share(answer)
            }
            next()
        }
    }

    private func adopt(_ lease: PlaceLease, trustedUntil: Timestamp) {
        // A lease that we believed in and that the store gave anew was over without our knowing.
        if let old = leases[lease.place]?.lease, old != lease { lost(old) }
        leases.take(lease, trustedUntil: trustedUntil)
    }

    /// How many places are this node's share.
    private func share(_ answer: ClaimAnswer) {
        let nodes = max(1, answer.nodes)
        let share = (max(0, answer.places) + nodes - 1) / nodes
        // More than one place over: one to and fro would be no gain.
        if leases.count > share + 1 { leases.end(leases.count - share) }
        if reading.share < share { reading.isWanted = true }
        reading.share = share
    }

    private func read(_ next: @escaping @Sendable () -> Void) {
        let reads = leases.all.filter { !$0.isEnding }.map { PlaceRead(lease: $0.lease, after: $0.readThrough) }
        guard !reads.isEmpty else { return next() }
        reading.ended = []
        // Each time from another place on: the first ones must not use up every page.
        let first = Int(random.next(below: UInt64(reads.count)))
        store.entries(at: Array(reads[first...] + reads[..<first]), limit: nodeSettings.pageSize, on: core) { [weak self] result in
            guard let self else { return }
            if case .success(let pages) = result { for page in pages { self.take(page) } }
            self.reading.ended = []
            next()
        }
    }

    private func take(_ page: PlacePage) {
        let place = page.lease.place
        guard leases.holds(page.lease) else { return }
        if page.isLost { return lost(page.lease) }
        for entry in page.entries where names[entry.name] == nil && !reading.ended.contains(entry.name) {
            insert(entry, page.lease)
        }
        if page.entries.count > 0 { reading.isWanted = true }
        if let through = page.through { leases[place]?.readThrough = through }
        workArrived?()
    }

    private func giveBack(_ next: @escaping @Sendable () -> Void) {
        let now = core.now
        for held in leases.all {
            let place = held.lease.place
            if !held.entries.isEmpty {
                leases[place]?.idleSince = nil
            } else if held.idleSince == nil {
                leases[place]?.idleSince = now
            }
        }
        let over = leases.all.filter { held in
            held.busy == 0 && (held.isEnding || held.idleSince.map { now - $0 >= nodeSettings.idlePlace } ?? false)
        }.map(\.lease)
        guard !over.isEmpty else { return next() }
        // Whether or not the store hears it, we are through with them.
        for lease in over { lost(lease) }
        store.release(over, on: core) { _ in next() }
    }

    // MARK: Entries

    /// Takes an entry of a leased place into the schedule.
    private func insert(_ kept: KeptEntry, _ lease: PlaceLease) {
        lastNumber += 1
        let number = lastNumber
        var draft = EntryDraft(message: kept.message.rawValue, payload: number,
                               destination: routes.destination(for: kept.host, from: kept.reversePath),
                               sender: kept.sender, arrival: kept.arrival)
        draft.cost = EntryDraft.cost(recipients: kept.recipients.count, bytes: Int(clamping: kept.size))
        draft.attempts = kept.attempts
        draft.due = kept.due
        draft.noticesGiven = kept.noticesGiven
        draft.isBounce = kept.reversePath == .null
        draft.isHeld = kept.hold != nil
        entries[number] = HeldEntry(kept: kept, lease: lease, entry: scheduler.insert(draft, now: core.now))
        names[kept.name] = number
        leases[kept.place]?.entries.insert(number)
    }

    /// Forgets an entry that is no longer this node's, and of which nothing is in flight.
    func forgetOrphan(_ number: UInt64) {
        guard let held = entries[number], held.isOrphan, held.work == .none else { return }
        entries[number] = nil
        // Handed out, but not begun: the ticket finds nothing, and gives the place at the site back.
        if scheduler.entry(held.entry)?.state == .inFlight {
            _ = scheduler.finish(held.entry, .settled, feedback: .none, now: core.now, random: random)
        } else {
            scheduler.remove(held.entry, now: core.now)
        }
    }

    /// Forgets an entry that the store no longer has.
    func forget(_ number: UInt64, feedback: SiteFeedback) {
        guard let held = entries.removeValue(forKey: number) else { return }
        if !held.isOrphan {
            names[held.kept.name] = nil
            reading.ended.insert(held.kept.name)
        }
        if leases.holds(held.lease) {
            leases[held.kept.place]?.entries.remove(number)
            if held.work != .none { leases[held.kept.place]?.busy -= 1 }
        }
        if scheduler.entry(held.entry)?.state == .inFlight {
            _ = scheduler.finish(held.entry, .settled, feedback: feedback, now: core.now, random: random)
        } else {
            scheduler.remove(held.entry, now: core.now)
        }
    }

    /// Marks that something is being done to an entry, or that it is over.
    func setWork(_ number: UInt64, _ work: HeldEntry.Work) {
        guard let held = entries[number] else { return }
        entries[number]?.work = work
        if leases.holds(held.lease) {
            leases[held.kept.place]?.busy += (work == .none ? 0 : 1) - (held.work == .none ? 0 : 1)
        }
        forgetOrphan(number)
    }
}
