import Events
import MessageFormat
import Ports
import Storage
import Synchronization

/// All waiting messages: takes them in, hands them out, and decides what an attempt means.
///
/// Confined to the core loop; the methods of `MessageIntake` hop there by themselves. `@unchecked
/// Sendable` because of that confinement: completions of the log and of timers, which all come on
/// the core loop, and intake from other loops hold a reference, and only the core loop follows it.
public final class Queue: MessageIntake, @unchecked Sendable {
    /// The loop that everything here happens on.
    public let core: any Loop
    /// Mints the ids of new messages; usable from any thread.
    public let mint: QueueIDMint
    /// How messages are kept and reported on.
    public internal(set) var settings: QueueSettings {
        didSet { updateRoom() }
    }
    /// Who hears what happens.
    public weak var observer: (any QueueObserver)?
    public var workArrived: (() -> Void)?

    let log: Log
    /// What `hasRoom` may know on any thread.
    let room = Room()
    let routes: any RouteTable
    let random: any RandomSource
    var scheduler: Scheduler
    var table: MessageTable
    var statistics = QueueStatistics()

    /// Messages with their bodies in memory until their first attempts are over, by place.
    var kept: [UInt32: KeptMessage] = [:]
    /// Large messages of which only parts have come in.
    var uploads: [QueueID: Upload]
    /// Attempts that were handed out or are about to be.
    var attempts: [UInt64: RunningAttempt] = [:]
    var nextAttemptNumber: UInt64 = 1
    /// Attempts that wait for the record that they begin.
    var starting: [RunningAttempt] = []
    /// Delay notices that are due or being made.
    var notices = DueNotices()
    /// Messages to be tried alone after a crash.
    var suspects: SuspectTrial
    /// Messages that were in flight at the last crash, until that is recorded.
    var blamed: [QueueID] = []
    var logState = LogState.open
    /// When the disk may be looked at again although nothing is written.
    var nextSpaceProbe = Timestamp.distantPast
    /// Whether the log was told that the disk has too little room.
    var isDiskShort = false
    var checkpoint: CheckpointWalk?
    var isCheckpointBeginning = false
    /// Hears once whether the next checkpoint counts.
    var checkpointEnded: (@Sendable (Bool) -> Void)?
    /// Reads that the disk refused, by message.
    var refusedReads: [QueueID: RefusedReads] = [:]
    /// Reads that succeeded since the start.
    var goodReads: UInt64 = 0
    /// Groups that the log refused and that wait for another try.
    var refusedAppends = 0

    /// A queue with what recovery found; call `begin` before anything else.
    public init(log: Log, recovery: consuming QueueRecovery, settings: QueueSettings, routes: any RouteTable,
                random: any RandomSource, core: any Loop) {
        self.log = log
        self.settings = settings
        self.routes = routes
        self.random = random
        self.core = core
        mint = QueueIDMint(incarnation: log.incarnation)
        scheduler = Scheduler(settings: settings.scheduler, now: core.now)
        suspects = SuspectTrial()
        uploads = [:]
        table = MessageTable()
        adopt(recovery)
        updateRoom()
    }

    /// Tells other threads what they may know: called whenever a limit or the number of messages has changed.
    func updateRoom() {
        room.minFreeBytes.store(settings.minFreeBytes, ordering: .relaxed)
        room.maxMessages.store(settings.maxMessages, ordering: .relaxed)
        room.waiting.store(table.count, ordering: .relaxed)
    }

    /// Tells the log what is live, records what the last crash means, and lets the log begin its work.
    public func begin() {
        for slot in 0..<table.bound where table.isOccupied(slot) {
            for record in table.records(of: slot) { log.retain(record.position, bytes: Int(record.bytes)) }
        }
        log.start(owner: LoopConfined(self, to: core))
        recordCrashes()
        if statistics.unreadable > 0 { observer?.alert(.unreadableRecords(statistics.unreadable)) }
    }

    /// Writes a checkpoint without what the start could not understand, after that has been put aside; answers whether it counts.
    public func forgetUnreadable(_ completion: @escaping @Sendable (Bool) -> Void = { _ in }) {
        statistics.unreadable = 0
        checkpointEnded = completion
        checkpointDue()
    }

    /// The queue in numbers.
    public var status: QueueStatistics {
        var current = statistics
        current.messages = table.count
        current.entries = scheduler.counts
        return current
    }

    /// Every site with mail waiting or in delivery.
    public var sites: [SiteStatus] { scheduler.siteStatuses }

    /// Waiting entries of each destination by age, `bounds` in rising order.
    public func shape(bounds: [Duration]) -> [DestinationShape] { scheduler.shape(bounds: bounds, now: core.now) }

    /// The key of a site; nil once it is forgotten.
    public func key(of site: SiteID) -> SiteKey? { scheduler.key(of: site) }

    /// Tries everything at once that waits for a time; held messages stay held.
    public func flush() {
        scheduler.flush(now: core.now)
        workArrived?()
    }

    /// Puts other settings in force.
    public func apply(_ settings: QueueSettings) {
        self.settings = settings
        scheduler.apply(settings.scheduler, now: core.now)
        workArrived?()
    }

    /// Asks the route table anew for the destination of everything that waits; call it after the table has changed.
    ///
    /// Works in steps, so that a million messages do not hold the loop up.
    public func reroute() { reroute(from: 0) }

    private func reroute(from start: UInt32) {
        var slot = start
        let end = min(start.advanced(by: 2048), table.bound)
        while slot < end {
            if table.isOccupied(slot), let sender = table.senders[table[slot].sender] {
                for link in table.entries(of: slot) {
                    guard let host = table.hosts[link.host] else { continue }
                    scheduler.reroute(link.entry, to: routes.destination(for: host, from: sender), now: core.now)
                }
            }
            slot += 1
        }
        workArrived?()
        if end < table.bound { core.execute { self.reroute(from: end) } }
    }

    /// Puts an event into the records of a group and tells the observer once it is there.
    func tell(_ event: MailEvent, _ envelope: Envelope?) { observer?.recorded(event, envelope: envelope) }

    /// Appends a group; `done` hears the receipt, or nil when the log refused.
    func append(_ group: [RecordDraft], _ durability: Durability, done: @escaping @Sendable (AppendReceipt?) -> Void) {
        log.append(group, durability, on: core) { result in
            switch result {
            case .success(let receipt): done(receipt)
            case .failure: done(nil)
            }
        }
    }

    /// Appends a group that must not be forgotten while the process lives: tries again until the log takes it.
    ///
    /// `refused` is called after the first refusal, `done` when the group is written, with whether it was refused before;
    /// `tooLarge` instead of both when the log can never take it.
    func appendForSure(_ group: [RecordDraft], wasRefused: Bool = false, refused: @escaping @Sendable () -> Void = {},
                       tooLarge: @escaping @Sendable () -> Void = {},
                       done: @escaping @Sendable (_ receipt: AppendReceipt, _ wasRefused: Bool) -> Void) {
        log.append(group, .written, on: core) { result in
            switch result {
            case .success(let receipt):
                if wasRefused { self.refusedAppends -= 1 }
                done(receipt, wasRefused)
            case .failure(.tooLarge):
                if wasRefused { self.refusedAppends -= 1 }
                tooLarge()
            case .failure(let error):
                if !wasRefused {
                    self.refusedAppends += 1
                    refused()
                }
                // A closed log ends the process; what was not recorded will be tried again by the next one.
                if error == .closed { return }
                _ = self.core.schedule(at: self.core.now + .seconds(2)) {
                    self.appendForSure(group, wasRefused: true, tooLarge: tooLarge, done: done)
                }
            }
        }
    }
}

/// Whether the queue takes more, as every thread may ask.
final class Room: Sendable {
    let minFreeBytes = Atomic<UInt64>(0)
    let maxMessages = Atomic<Int>(0)
    /// Messages in the queue.
    let waiting = Atomic<Int>(0)
    /// Messages on their way into the log.
    private let accepting = Atomic<Int>(0)

    var isFull: Bool { accepting.load(ordering: .relaxed) + waiting.load(ordering: .relaxed) >= maxMessages.load(ordering: .relaxed) }

    /// Counts a message in; false, and not counted, where there is no place for it.
    func take() -> Bool {
        let count = accepting.add(1, ordering: .relaxed).newValue
        if count + waiting.load(ordering: .relaxed) <= maxMessages.load(ordering: .relaxed) { return true }
        give()
        return false
    }

    /// Counts a message out that is in the log, or will not be.
    func give() { accepting.subtract(1, ordering: .relaxed) }
}

/// A message that is kept in memory.
struct KeptMessage {
    let message: AcceptedMessage
    /// Entries that had no attempt yet.
    var firstAttempts: Int
}

/// A large message of which only parts have come in.
struct Upload {
    var chunks: [ChunkLink] = []
    var size: UInt64 = 0
    /// Appends that have not been answered.
    var pending = 0
    var lastActivity: Timestamp
    var hasFailed = false
    /// The record that makes it a message is on its way into the log.
    var isBeingAccepted = false
}

/// An attempt from ticket to report.
struct RunningAttempt {
    let id: UInt64
    let entry: EntryID
    let slot: UInt32
    let message: AcceptedMessage
    let attempt: Attempt
    let ready: @Sendable (Attempt?) -> Void
    /// The number of the record that it began; nil until that is written.
    var startedAt: LSN?
}
