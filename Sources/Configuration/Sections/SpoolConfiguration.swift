/// Where mail is kept, and how much room it may take.
public struct SpoolConfiguration: Hashable, Sendable {
    /// The directory of the log.
    public var directory = "/var/lib/baton"
    /// Octets of one segment of the log.
    public var segmentSize = 64 << 20
    /// Octets that must stay free on the disk.
    public var minFree = 128 << 20
    /// What the spool may take beside twice its live octets.
    public var slack = 512_000_000

    /// Whether a file system that does not keep what was synced will do.
    public var allowUnsafe = false

    /// The documented defaults.
    public init() {}

    static var keys: [Key<SpoolConfiguration>] { [
        .value("directory", \.directory, .path("directory"),
               "The directory that holds the log; it and what is in it belong to Baton's user. It must be on a local disk whose fsync can be trusted.",
               effect: .restart),
        .value("segmentSize", \.segmentSize, .size(1 << 20 ... 1 << 30),
               "Size of one file of the log, a multiple of 4KiB.", effect: .restart),
        .value("minFree", \.minFree, .size(0 ... 1 << 40),
               "Space that must stay free on the disk: with less, mail is refused with 452 4.3.1 and delivery goes on. At least twice `segmentSize`, so that what becomes of mail can still be written."),
        .value("slack", \.slack, .size(64 << 20 ... 1 << 40),
               "What the spool may take beside twice the mail that waits; compaction starts at half of it.", effect: .restart),
        .value("allowUnsafe", \.allowUnsafe, .flag,
               "Serve although the file system does not keep what was synced: one in memory, or one whose fsync does nothing. For trying Baton out only.",
               effect: .restart),
    ] }
}
