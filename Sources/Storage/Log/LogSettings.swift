import Ports

/// The limits and delays of a log.
public struct LogSettings: Sendable {
    /// Bytes of a segment, a multiple of 4096.
    public var segmentBytes = 64 << 20
    /// Segments that are kept written ahead, so that the writer need not wait for them: at 300 MB/s, the time that
    /// it takes to free one.
    public var spareSegments = 4
    /// Bytes of appends that may wait for the writer; beyond it appends fail with `.full`.
    public var maxPendingBytes = 64 << 20
    /// Bytes that may be written and not yet synced before a sync is forced.
    public var maxUnsyncedBytes = 16 << 20
    /// The longest time for which a `.written` record stays unsynced.
    public var outcomeSyncDelay = Duration.milliseconds(100)
    /// Bytes of log after which a checkpoint is due; four times the last checkpoint if that is more.
    public var checkpointBytes = 64 << 20
    /// What the spool may take beside twice the live bytes; compaction starts at half of it.
    public var slackBytes = 512_000_000
    /// End of a segment that only records without a body may use while the disk has no room for the next segment.
    public var outcomeReserveBytes = 4 << 20
    /// How long archived events are kept.
    public var eventRetention = Duration.days(30)
    /// The release that writes, named to an older one that cannot read its records; at most 31 bytes of ASCII.
    public var release = "baton 1.0"

    /// The documented defaults.
    public init() {}

    func check() throws(LogOpenError) {
        guard segmentBytes >= 16 << 10, segmentBytes % 4096 == 0, segmentBytes <= 1 << 30 else {
            throw .invalidSetting("a segment has 16 KiB to 1 GiB, in steps of 4 KiB; not \(segmentBytes) bytes")
        }
    }
}
