import MailQueue
import MessageFormat
import Ports

/// How the daemon is, as it tells the control server.
public struct DaemonStatus: Sendable {
    /// Its version.
    public var version: String
    /// Its process id.
    public var processID: Int32
    /// The name that it gives itself.
    public var hostName: String
    /// When it started.
    public var started: Timestamp
    /// What time it is.
    public var now: Timestamp
    /// `running`, or what is wrong, such as `log failed: no deliveries`.
    public var condition: String
    /// Where it listens.
    public var listeners: [String] = []
    /// Open inbound sessions.
    public var sessions = 0
    /// The queue in numbers.
    public var queue: QueueStatistics
    /// Sites with something waiting or in progress.
    public var sites: [SiteStatus] = []

    /// The status of a daemon.
    public init(version: String, processID: Int32, hostName: String, started: Timestamp, now: Timestamp, queue: QueueStatistics,
                condition: String = "running") {
        self.version = version
        self.processID = processID
        self.hostName = hostName
        self.started = started
        self.now = now
        self.queue = queue
        self.condition = condition
    }
}

/// The answer to `status`.
public struct StatusReport: Codable, Hashable, Sendable {
    /// The daemon's version.
    public var version: String
    /// Its process id.
    public var processID: Int32
    /// The name that it gives itself.
    public var hostName: String
    /// When it started (RFC 3339).
    public var started: String
    /// How long it has been running, in seconds.
    public var uptime: Int64
    /// `running`, or what is wrong.
    public var condition: String
    /// Where it listens.
    public var listeners: [String]
    /// Open inbound sessions.
    public var sessions: Int
    /// The queue.
    public var queue: QueueNumbers
    /// Sites with something waiting or in progress, the busiest first; at most a hundred.
    public var sites: [SiteReport]

    private static let maxSites = 100

    init(_ status: DaemonStatus) {
        version = status.version
        processID = status.processID
        hostName = status.hostName
        started = DateTime.rfc3339(status.started)
        uptime = max(0, (status.now - status.started).components.seconds)
        condition = status.condition
        listeners = status.listeners
        sessions = status.sessions
        queue = QueueNumbers(status.queue)
        let busiest = status.sites.sorted { $0.ready + $0.inFlight > $1.ready + $1.inFlight }
        sites = busiest.prefix(StatusReport.maxSites).map { SiteReport($0) }
    }
}

/// The queue in numbers.
public struct QueueNumbers: Codable, Hashable, Sendable {
    /// Messages waiting.
    public var messages: Int
    /// Entries (message and destination) by state.
    public var resolving, deferred, ready, delivering, settling, held: Int
    /// Octets of bodies in memory.
    public var bodyMemory: Int
    /// Octets of unfinished large messages in the log.
    public var uncommitted: UInt64
    /// Since the start: messages accepted and refused, attempts, recipients delivered, deferred and bounced.
    public var accepted, refused, attempts, delivered, deferrals, bounced: UInt64
    /// Since the start: notifications sent, bounces of bounces dropped, messages held for crashing.
    public var reports, bouncesDropped, crashHolds: UInt64
    /// Records that the start could not understand: `baton queue fsck` explains and puts them aside.
    public var unreadable: Int

    init(_ numbers: QueueStatistics) {
        messages = numbers.messages
        resolving = numbers.entries.unresolved
        deferred = numbers.entries.scheduled
        ready = numbers.entries.ready
        delivering = numbers.entries.inFlight
        settling = numbers.entries.leaving
        held = numbers.entries.held
        bodyMemory = numbers.bodyMemory
        uncommitted = numbers.uncommitted
        accepted = numbers.accepted
        refused = numbers.refused
        attempts = numbers.attempts
        delivered = numbers.delivered
        deferrals = numbers.deferred
        bounced = numbers.bounced
        reports = numbers.reports
        bouncesDropped = numbers.bouncesDropped
        crashHolds = numbers.crashHolds
        unreadable = numbers.unreadable
    }
}

/// One site of a status.
public struct SiteReport: Codable, Hashable, Sendable {
    /// Its key.
    public var site: String
    /// Entries waiting for their turn.
    public var ready: Int
    /// Deliveries in progress, and how many may be.
    public var inFlight, concurrency: Int
    /// Why nothing but a probe goes there; absent for a site in order.
    public var reason: WaitReason?

    init(_ status: SiteStatus) {
        site = status.site.description
        ready = status.ready
        inFlight = status.inFlight
        concurrency = status.concurrency
        reason = status.reason.map { WaitReason($0) }
    }
}

/// The answer to `reload`.
public struct ReloadReport: Codable, Hashable, Sendable {
    /// Keys whose new value is in force.
    public var changed: [String]
    /// Keys whose new value needs a restart.
    public var needRestart: [String]

    /// What a reload did.
    public init(changed: [String], needRestart: [String]) {
        self.changed = changed
        self.needRestart = needRestart
    }
}

/// The answer to `flush`.
public struct FlushReport: Codable, Hashable, Sendable {
    /// Messages that are now tried.
    public var messages: Int

    /// What a flush did.
    public init(messages: Int) { self.messages = messages }
}
