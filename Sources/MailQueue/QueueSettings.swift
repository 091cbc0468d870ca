import MessageFormat
import Ports

/// How the queue keeps messages and reports on them.
public struct QueueSettings: Sendable {
    /// The name of this host in reports and message ids.
    public var hostName: Domain
    /// Who gets bounces that cannot be bounced themselves.
    public var postmaster: EmailAddress
    /// The author that reports show; nil for MAILER-DAEMON at the host's name.
    public var reportAuthor: EmailAddress?
    /// Retries, lifetimes, delay notices and limits of delivery.
    public var scheduler = SchedulerSettings()
    /// Messages that may wait at once; more are refused with 452 4.3.1.
    public var maxMessages = 4_000_000
    /// Bytes that must stay free on the disk: with less, messages are refused with 452 4.3.1.
    public var minFreeBytes: UInt64 = 128 << 20
    /// Octets of message bodies kept in memory for the first attempt.
    public var bodyMemory = 64 << 20
    /// Octets of unfinished large messages in the log, over all connections.
    public var maxUncommittedTotal: UInt64 = 4 << 30
    /// Octets of one unfinished large message in the log.
    public var maxUncommitted: UInt64 = 256 << 20
    /// Octets of a message that a failure notice returns at most; of a larger one it returns the header only.
    public var maxReturnedContent = 50_000
    /// What happens to a bounce that cannot be delivered.
    public var doubleBounces: DoubleBounces = .toPostmaster
    /// Messages of an operator's action that are one group in the log, all or nothing.
    public var operationGroup = 10_000
    /// Crashes during an attempt after which a message is tried alone.
    public var crashesUntilAlone: UInt8 = 2
    /// Crashes during an attempt after which a message is held.
    public var crashesUntilHeld: UInt8 = 3

    /// The words of delivery status notifications.
    public var templates = DSNTemplates()
    /// How delivery status notifications are signed; nil when they are not.
    public var reportSigning: ReportSigning?

    /// The defaults for a host of this name.
    public init(hostName: Domain, postmaster: EmailAddress) {
        self.hostName = hostName
        self.postmaster = postmaster
    }
}

/// What happens to a bounce that cannot be delivered.
public enum DoubleBounces: Hashable, Sendable {
    /// The postmaster gets it, and if that fails too it is dropped and counted.
    case toPostmaster
    /// It is dropped and counted.
    case dropped
}
