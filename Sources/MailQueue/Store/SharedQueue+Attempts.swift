import Events
import MessageFormat
import Ports
import Storage

extension SharedQueue: DeliveryQueue {
    public func nextStep() -> NextStep {
        for _ in 0..<64 {
            switch scheduler.next(now: core.now, random: random) {
            case .resolve(let destination):
                if let key = scheduler.key(of: destination) { return .resolve(destination, key) }
            case .start(let entry, let site):
                if let ticket = admit(entry, site) { return .start(ticket) }
            case .fail(let entry, let failure): fail(entry, routes.diagnosis(ofFailure: failure))
            case .expire(let entry): expire(entry)
            case .notify(let entry): notifyDelay(entry)
            case .pause: return .pause
            case .sleep(let until): return .sleep(until: until)
            case .idle: return .idle
            }
        }
        return .pause
    }

    public func resolved(_ destination: DestinationID, _ resolution: Resolution, validUntil: Timestamp) {
        scheduler.resolved(destination, resolution, validUntil: validUntil, now: core.now, random: random)
    }

    public func nextTicket(for site: SiteID) -> AttemptTicket? {
        // Entries of other places are sent there on the way; a connection must not wait for a long row of them.
        for _ in 0..<64 {
            guard let entry = scheduler.nextForSite(site, now: core.now, random: random) else { return nil }
            if let ticket = admit(entry, site) { return ticket }
        }
        return nil
    }

    /// Lets an entry start where this node has the site; one that waits elsewhere goes to the site's place first.
    private func admit(_ entry: EntryID, _ site: SiteID) -> AttemptTicket? {
        guard let number = number(of: entry), let held = entries[number], let key = scheduler.key(of: site) else {
            postpone(entry)
            return nil
        }
        guard held.work == .none, leases.usable(held.kept.place, now: core.now) == held.lease else {
            postpone(entry)
            return nil
        }
        let place = Place(site: key)
        guard held.kept.place == place else {
            let state = scheduler.entry(entry)
            replace(number, by: [successor(of: held, held.kept.recipients, host: held.kept.host, at: place, state)])
            return nil
        }
        return AttemptTicket(entry: entry, site: site)
    }

    public func start(_ ticket: AttemptTicket, ready: @escaping @Sendable (Attempt?) -> Void) {
        guard let number = number(of: ticket.entry), let held = entries[number] else { return ready(nil) }
        setWork(number, .attempt)
        store.message(of: held.kept.name, maxBody: Queue.smallBody, on: core) { result in
            switch result {
            case .success(let content): self.begin(ticket, number, content, ready)
            case .failure(let error):
                if error == .gone { self.forget(number, feedback: .none) } else { self.giveUp(number) }
                ready(nil)
            }
        }
    }

    private func begin(_ ticket: AttemptTicket, _ number: UInt64, _ content: KeptContent,
                       _ ready: @escaping @Sendable (Attempt?) -> Void) {
        guard let held = entries[number] else { return ready(nil) }
        // It took time to come here: look again.
        guard leases.usable(held.kept.place, now: core.now) == held.lease, let state = scheduler.entry(held.entry),
              let destination = scheduler.lookUpDestination(of: held.entry) else {
            giveUp(number)
            return ready(nil)
        }
        guard let message = AcceptedMessage(content, of: held.kept) else {
            holdUnreadable(number)
            return ready(nil)
        }
        if divide(number, held, message.envelope, destination, state) { return ready(nil) }
        lastAttempt += 1
        let attempt = Attempt(id: AttemptID(rawValue: lastAttempt), accepted: message, number: UInt32(state.attempts) + 1,
                              destination: destination, site: ticket.site, recipients: held.kept.recipients,
                              content: self.content(of: message), started: core.now)
        attempts[lastAttempt] = RunningAttempt(id: lastAttempt, entry: held.entry, slot: 0, message: message, attempt: attempt,
                                               ready: ready, startedAt: nil)
        attemptEntries[lastAttempt] = number
        statistics.attempts += 1
        ready(attempt)
    }

    /// The attempts in progress, for those who want to know what a crash would cost.
    public var running: [Attempt] { attempts.keys.sorted().compactMap { attempts[$0]?.attempt } }

    /// The number of the entry that the scheduler means.
    func number(of entry: EntryID) -> UInt64? { scheduler.entry(entry)?.payload }

    /// The attempt did not come about.
    func giveUp(_ number: UInt64, feedback: SiteFeedback = .none) {
        guard let held = entries[number] else { return }
        if !held.isOrphan {
            _ = scheduler.finish(held.entry, .aborted, feedback: feedback, now: core.now, random: random)
        }
        setWork(number, .none)
        workArrived?()
    }

    /// Puts an entry off for some seconds that may not be touched now.
    func postpone(_ entry: EntryID) {
        _ = scheduler.finish(entry, .aborted, feedback: .none, now: core.now, random: random)
    }

    /// Keeps a message that the store gives back in a form that cannot be read from being tried for ever.
    private func holdUnreadable(_ number: UInt64) {
        guard let held = entries[number] else { return }
        _ = scheduler.hold(held.entry, now: core.now)
        giveUp(number)
        observer?.alert(.unreadable(held.kept.message))
    }

    // MARK: Other places

    /// After a reload, recipients that once shared a destination may have several: each gets an entry of its own.
    private func divide(_ number: UInt64, _ held: HeldEntry, _ envelope: Envelope, _ destination: DestinationKey,
                        _ state: ScheduleEntry) -> Bool {
        guard held.kept.recipients.count > 1 else { return false }
        var groups: [RecipientGroup] = []
        for index in held.kept.recipients {
            let host = envelope.recipients[Int(index)].address.host
            let key = routes.destination(for: host, from: envelope.reversePath)
            if let place = groups.firstIndex(where: { $0.destination == key }) {
                groups[place].recipients.append(index)
            } else {
                groups.append(RecipientGroup(destination: key, host: host, recipients: [index]))
            }
        }
        guard groups.count > 1 else { return false }
        replace(number, by: groups.map { successor(of: held, $0.recipients, host: $0.host, at: place(for: $0), state) })
        return true
    }

    /// An entry that comes from another, with what is known of it.
    func successor(of held: HeldEntry, _ recipients: [UInt16], host: MailHost, at place: Place, _ state: ScheduleEntry?) -> KeptEntry {
        var kept = held.kept
        kept.name = nextName()
        kept.place = place
        kept.recipients = recipients
        kept.host = host
        if let state {
            kept.attempts = state.attempts
            kept.noticesGiven = state.noticesGiven
        }
        kept.due = nil
        return kept
    }

    /// Has others take the place of an entry, which stays in flight until they have.
    private func replace(_ number: UInt64, by successors: [KeptEntry]) {
        guard let held = entries[number] else { return }
        setWork(number, .settlement)
        let settlement = Settlement(group: StoreGroup(name: nextGroup()), lease: held.lease, entry: held.kept.name,
                                    change: .gone, successors: successors)
        settle(settlement) { result, _ in
            self.forget(number, feedback: .none)
            if case .failure(.fenced) = result { self.lost(held.lease) }
            self.readSoon()
        }
    }

    func nextGroup() -> GroupName { GroupName(rawValue: mint.next().rawValue) }

    /// Sends a settlement until the store says what became of it; `refused` is called when that takes more than one try.
    func settle(_ settlement: Settlement, wasRefused: Bool = false, refused: @escaping @Sendable () -> Void = {},
                done: @escaping @Sendable (_ result: Result<StorePosition, StoreError>, _ wasRefused: Bool) -> Void) {
        store.settle(settlement, on: core) { result in
            switch result {
            case .success, .failure(.fenced), .failure(.gone): done(result, wasRefused)
            case .failure(.unavailable), .failure(.unknown), .failure(.full):
                if !wasRefused { refused() }
                let wait = self.random.jitter(self.nodeSettings.retryInterval, by: 0.2)
                _ = self.core.schedule(at: self.core.now + wait) {
                    self.settle(settlement, wasRefused: true, refused: refused, done: done)
                }
            }
        }
    }

    // MARK: Content

    /// What goes out: parts in memory where they are small, else read when they are sent.
    func content(of message: AcceptedMessage) -> MessageContent {
        let sizes = message.chunkSizes
        if sizes.isEmpty, let body = message.body { return MessageContent(prefix: message.prefix, body: body) }
        var parts = sizes.map { MessageContent.Part.stored(size: Int($0)) }
        if let body = message.body {
            if !body.isEmpty { parts.append(.memory(body)) }
        } else {
            parts.append(.stored(size: message.bodySize))
        }
        let id = message.id
        let store = store
        return MessageContent(prefix: message.prefix, parts: parts) { index, loop, completion in
            store.body(id, part: index, on: loop) { result in
                completion(result.mapError { $0 == .gone ? .gone : .damaged })
            }
        }
    }
}

extension AcceptedMessage {
    /// What a store gives back, when it is the message of this entry and has its recipients.
    convenience init?(_ content: KeptContent, of entry: KeptEntry) {
        guard let accepted = try? AcceptedRecord(decoding: content.meta[...]), accepted.message == entry.message,
              entry.recipients.allSatisfy({ accepted.envelope.recipients.indices.contains(Int($0)) }) else { return nil }
        self.init(id: entry.message, envelope: accepted.envelope, prefix: accepted.prefix, body: content.body,
                  bodySize: content.bodySize, chunkSizes: accepted.chunkSizes)
    }
}
