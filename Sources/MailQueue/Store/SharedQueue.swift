import Events
import MessageFormat
import Ports
import Storage

/// The queue of one node of a cluster: like `Queue` towards receivers and deliverers, kept in a store that other nodes share.
///
/// Memory holds the entries of the places that are leased to this node, in the same scheduler; the store holds the truth.
/// Confined to the core loop, but for the methods of `MessageIntake`, which hop there by themselves.
public final class SharedQueue: @unchecked Sendable {
    /// The loop that everything here happens on.
    public let core: any Loop
    /// The number of this node.
    public let node: NodeID
    /// Mints the ids of messages, entries and groups; usable from any thread.
    public let mint: QueueIDMint
    /// How messages are kept and reported on.
    public internal(set) var settings: QueueSettings
    /// Who hears what happens.
    public weak var observer: (any QueueObserver)?
    /// Hears of each attempt whose result was refused because the lease had gone to another node: its recipients may be tried again.
    public var resultLost: ((MailEvent, Envelope) -> Void)?
    public var workArrived: (() -> Void)?

    let store: any QueueStore
    let nodeSettings: NodeSettings
    let routes: any RouteTable
    let random: any RandomSource
    var scheduler: Scheduler
    var statistics = QueueStatistics()

    /// Entries of leased places, by a number of our own that is the payload in the scheduler.
    var entries: [UInt64: HeldEntry] = [:]
    var names: [EntryName: UInt64] = [:]
    var lastNumber: UInt64 = 0
    var leases = LeaseTable()
    var reading = PlaceReading()
    /// Attempts that were handed out.
    var attempts: [UInt64: RunningAttempt] = [:]
    var attemptEntries: [UInt64: UInt64] = [:]
    var lastAttempt: UInt64 = 0
    var uploads: [QueueID: SharedUpload] = [:]
    /// Delay notices that are due or being made.
    var notices = DueNotices()
    var state = NodeState.serving
    /// Hears when the last place has been given back.
    var left: (@Sendable () -> Void)?

    /// The queue of a node that has joined the store; call `begin` before anything else.
    public init(store: any QueueStore, node: NodeID, settings: QueueSettings, nodeSettings: NodeSettings = NodeSettings(),
                routes: any RouteTable, random: any RandomSource, core: any Loop) {
        self.store = store
        self.node = node
        self.settings = settings
        self.nodeSettings = nodeSettings
        self.routes = routes
        self.random = random
        self.core = core
        mint = QueueIDMint(incarnation: node.rawValue)
        scheduler = Scheduler(settings: settings.scheduler, now: core.now)
    }

    /// Begins to claim places.
    public func begin() {
        renewLater()
        readPlaces()
    }

    /// Gives all places back, each when nothing is in flight there any more; takes no new ones. `completion` is called at the end.
    ///
    /// To be called while the delivery service still runs, or after it has stopped.
    public func leave(completion: @escaping @Sendable () -> Void) {
        guard state == .serving else { return completion() }
        state = .leaving
        left = completion
        leases.end(leases.count)
        readSoon()
    }

    /// The queue in numbers, as far as this node has it.
    public var status: QueueStatistics {
        var current = statistics
        current.messages = entries.count
        current.entries = scheduler.counts
        return current
    }

    /// Places that are leased to this node, in order.
    public var places: [Place] { leases.all.map(\.lease.place) }

    /// The key of a site; nil once it is forgotten.
    public func key(of site: SiteID) -> SiteKey? { scheduler.key(of: site) }

    /// Puts other settings in force.
    public func apply(_ settings: QueueSettings) {
        self.settings = settings
        scheduler.apply(settings.scheduler, now: core.now)
        workArrived?()
    }

    /// Asks the route table anew for the destination of everything that waits; call it after the table has changed.
    public func reroute() {
        for number in entries.keys.sorted() {
            guard let held = entries[number] else { continue }
            scheduler.reroute(held.entry, to: routes.destination(for: held.kept.host, from: held.kept.reversePath), now: core.now)
        }
        workArrived?()
    }

    /// Whether a node takes new places.
    enum NodeState {
        case serving
        case leaving
        case gone
    }
}
