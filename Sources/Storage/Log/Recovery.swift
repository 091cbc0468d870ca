/// What `Log.open` hands out while it reads the spool, in this order: the checkpoint's chunks, then the records after it.
///
/// A record that the checkpoint already reflects may come again, so that replaying one twice must be harmless.
public enum RecoveryItem: Sendable {
    /// The next chunk of the newest valid checkpoint, as it was given to `CheckpointWriter.write`.
    case checkpoint([UInt8])
    /// The next record, in the order of LSNs.
    case record(RecoveredRecord)
}

/// What `Log.open` found.
public struct RecoveryReport: Sendable {
    /// The point up to which the checkpoint reflects the log; zero without one.
    public internal(set) var checkpoint = LSN.zero
    /// Records handed out.
    public internal(set) var records = 0
    /// The last record's number, or the checkpoint's.
    public internal(set) var lastLSN = LSN.zero
    /// Non-critical records of a kind or version that this program does not know.
    public internal(set) var skipped = 0
    /// Whether the last segment ended in the middle of an append: normal after a crash.
    public internal(set) var tornTail = false
    /// What was damaged and copied to the quarantine, in words.
    public internal(set) var damage: [String] = []
}
