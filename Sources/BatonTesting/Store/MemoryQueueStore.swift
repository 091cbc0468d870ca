import Events
import MailQueue
import Ports
import Storage

/// A queue store in memory: what a database of several nodes keeps, and its rules, without its time.
///
/// Each method happens at once, at `now`; `SimulatedStoreClient` puts delays and failures between it and a node.
public final class MemoryQueueStore: @unchecked Sendable {
    /// What the store does wrong, so that tests can show that they notice.
    public enum Defect: String, CaseIterable, Sendable {
        /// It settles under any fence.
        case ignoresFences
        /// It renews leases that are over.
        case renewsWhatIsOver
        /// It gives a place that another node has.
        case claimsWhatIsTaken
        /// It answers some settlements as done and forgets them.
        case losesSettlements
        /// Its positions are in the order in which changes began.
        case ordersByStart
        /// It makes a group again that is sent again.
        case repeatsGroups
        /// It keeps a settlement without the messages that belong to it.
        case keepsHalfAGroup
        /// It gives the same number to nodes that join.
        case repeatsNodes
        /// It forgets a message with its first entry.
        case forgetsTooMuch
    }

    /// What it does wrong.
    public let defect: Defect?
    /// Watches that every rule of leases is kept.
    public let watch: LeaseWatch
    /// Leases, claims, renewals and the like, counted by name.
    public private(set) var counts: [String: Int] = [:]

    struct Lease {
        let lease: PlaceLease
        var expires: Timestamp
    }

    struct Row {
        var entry: KeptEntry
        var changed: StorePosition
    }

    let clock: () -> Timestamp
    private var nodes: UInt32 = 0
    private var lastSeen: [NodeID: Timestamp] = [:]
    private var lastFence: UInt64 = 0
    private var fences: [Place: Fence] = [:]
    var leases: [Place: Lease] = [:]
    var messages: [QueueID: NewMessage] = [:]
    var parts: [QueueID: [UInt32: [UInt8]]] = [:]
    var rows: [EntryName: Row] = [:]
    var rowsOfPlace: [Place: Set<EntryName>] = [:]
    private var rowsOfMessage: [QueueID: Set<EntryName>] = [:]
    var lastResults: [QueueID: [UInt8]] = [:]
    private var groups: [GroupName: StorePosition] = [:]
    var log: [(position: StorePosition, events: [RecordDraft])] = []
    var started: UInt64 = 0
    var committed: UInt64 = 0
    private var changes: UInt64 = 0

    /// How long a node counts as living after its last sign.
    public static let nodeMemory = Duration.seconds(40)

    /// An empty store whose clock is `clock`.
    public init(defect: Defect? = nil, clock: @escaping () -> Timestamp) {
        self.defect = defect
        self.clock = clock
        watch = LeaseWatch()
    }

    /// Messages that wait.
    public var waiting: Int { messages.count }

    /// Entries that wait, in words.
    public var listing: [String] {
        rows.values.sorted { $0.entry.name < $1.entry.name }.map { row in
            "\(row.entry.message) at \(row.entry.place), \(leases[row.entry.place].map { "\($0.lease.node)" } ?? "free")"
        }
    }

    /// The node that has a place at this moment.
    public func holder(of place: Place) -> NodeID? {
        guard let lease = leases[place], clock() < lease.expires else { return nil }
        return lease.lease.node
    }

    /// Everything that happened, in order.
    public var history: [(position: StorePosition, events: [RecordDraft])] { log }

    private func count(_ what: String) { counts[what, default: 0] += 1 }

    // MARK: Nodes and leases

    func join() -> NodeID {
        if defect != .repeatsNodes || nodes == 0 { nodes += 1 }
        let node = NodeID(rawValue: nodes)
        lastSeen[node] = clock()
        return node
    }

    func claim(_ claim: PlaceClaim) -> ClaimAnswer {
        let now = clock()
        lastSeen[claim.node] = now
        var given: [PlaceLease] = []
        for place in rowsOfPlace.keys.sorted() where given.count < claim.limit {
            if let known = leases[place], now < known.expires {
                guard defect == .claimsWhatIsTaken, known.lease.node != claim.node else { continue }
            } else if leases[place] != nil {
                count("store: expired lease taken over")
            }
            lastFence += 1
            let lease = PlaceLease(place: place, node: claim.node, fence: Fence(rawValue: lastFence))
            leases[place] = Lease(lease: lease, expires: now + claim.duration)
            fences[place] = lease.fence
            watch.given(lease, at: now, until: now + claim.duration)
            given.append(lease)
            count("store: place claimed")
        }
        let living = lastSeen.values.filter { now - $0 < Self.nodeMemory }.count
        let places = Set(rowsOfPlace.keys).union(leases.filter { now < $0.value.expires }.keys)
        return ClaimAnswer(leases: given, nodes: living, places: places.count)
    }

    func renew(_ asked: [PlaceLease], for duration: Duration) -> [PlaceLease] {
        let now = clock()
        return asked.filter { lease in
            lastSeen[lease.node] = now
            let isHeld = leases[lease.place].map { $0.lease == lease && now < $0.expires } ?? false
            guard isHeld || defect == .renewsWhatIsOver else {
                count("store: renewal refused")
                return false
            }
            leases[lease.place] = Lease(lease: lease, expires: now + duration)
            watch.renewed(lease, at: now, until: now + duration)
            return true
        }
    }

    func release(_ given: [PlaceLease]) {
        for lease in given where leases[lease.place]?.lease == lease {
            leases[lease.place] = nil
            watch.released(lease)
            count("store: place released")
        }
    }

    // MARK: Changes

    /// A change begins, and may be passed by others before it is committed; answers its number.
    func begin() -> UInt64 {
        started += 1
        return started
    }

    func append(_ group: StoreGroup, started number: UInt64) -> Result<StorePosition, StoreError> {
        if let known = repeated(group) { return .success(known) }
        for message in group.messages where message.parts != (parts[message.id]?.count ?? 0) { return .failure(.gone) }
        return .success(commit(group, number))
    }

    func settle(_ settlement: Settlement, started number: UInt64) -> Result<StorePosition, StoreError> {
        // First whether it was done: then it does not matter who has the place now.
        if let known = repeated(settlement.group) { return .success(known) }
        let lease = settlement.lease
        guard fences[lease.place] == lease.fence || defect == .ignoresFences else {
            count("store: outdated settlement refused")
            return .failure(.fenced)
        }
        watch.settled(lease)
        guard var row = rows[settlement.entry], row.entry.place == lease.place else {
            watch.missed(lease.place)
            return .failure(.gone)
        }
        if defect == .losesSettlements, number % 7 == 0 { return .success(StorePosition(major: committed)) }
        let position = commit(settlement.group, number, of: row.entry.message)
        switch settlement.change {
        case .gone: remove(settlement.entry, keepsMessage: !settlement.successors.isEmpty)
        case .waits(let recipients, let until, let attempts):
            row.entry.recipients = recipients
            row.entry.due = until
            row.entry.attempts = attempts
            row.changed = position
            rows[settlement.entry] = row
        case .noticed(let times):
            row.entry.noticesGiven = times
            row.changed = position
            rows[settlement.entry] = row
        }
        for entry in settlement.successors { insert(entry, position) }
        return .success(position)
    }

    private func repeated(_ group: StoreGroup) -> StorePosition? {
        guard let known = groups[group.name], defect != .repeatsGroups else { return nil }
        count("store: group sent again")
        return known
    }

    private func commit(_ group: StoreGroup, _ number: UInt64, of concerned: QueueID? = nil) -> StorePosition {
        committed += 1
        let position = StorePosition(major: defect == .ordersByStart ? number : committed)
        groups[group.name] = position
        let isHalf = defect == .keepsHalfAGroup && concerned != nil
        for message in isHalf ? [] : group.messages where !message.entries.isEmpty {
            messages[message.id] = message
            for entry in message.entries { insert(entry, position) }
        }
        if let concerned, let last = group.events.last(where: { $0.kind == RecordKind.attempted.rawValue }) {
            lastResults[concerned] = last.meta
        }
        log.append((position, group.messages.map(\.record) + group.events))
        return position
    }

    private func insert(_ entry: KeptEntry, _ position: StorePosition) {
        changes += 1
        rows[entry.name] = Row(entry: entry, changed: StorePosition(major: position.major, minor: changes))
        rowsOfPlace[entry.place, default: []].insert(entry.name)
        rowsOfMessage[entry.message, default: []].insert(entry.name)
    }

    private func remove(_ name: EntryName, keepsMessage: Bool) {
        guard let entry = rows.removeValue(forKey: name)?.entry else { return }
        rowsOfPlace[entry.place]?.remove(name)
        if rowsOfPlace[entry.place]?.isEmpty == true { rowsOfPlace[entry.place] = nil }
        rowsOfMessage[entry.message]?.remove(name)
        let isLast = rowsOfMessage[entry.message]?.isEmpty == true || defect == .forgetsTooMuch
        guard isLast, !keepsMessage else { return }
        for other in rowsOfMessage.removeValue(forKey: entry.message) ?? [] {
            guard let row = rows.removeValue(forKey: other) else { continue }
            rowsOfPlace[row.entry.place]?.remove(other)
        }
        messages[entry.message] = nil
        parts[entry.message] = nil
        lastResults[entry.message] = nil
    }
}
