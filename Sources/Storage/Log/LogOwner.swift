/// Who keeps the state that the log's records make up, and so knows what is live; called on its own loop.
public protocol LogOwner: AnyObject {
    /// Enough has been logged for a checkpoint: call `Log.beginCheckpoint` soon.
    ///
    /// Best with an empty `.synced` append before it, whose receipt's `lastLSN` is the point to checkpoint through: the
    /// nearer that is to the end, the more segments can be freed.
    func checkpointDue()

    /// Records now lie elsewhere; the copies are synced.
    ///
    /// The owner replaces the positions it knows and retains the new ones instead of the old, at its leisure, and then
    /// calls `done` on its loop. Old positions stay readable until a checkpoint is durable in which none of them was kept.
    func moved(_ moves: [RecordMove], done: @escaping @Sendable () -> Void)

    /// The log has failed, or works again.
    func stateChanged(_ state: LogState)
}

/// Whether the log takes records.
public enum LogState: Hashable, Sendable {
    /// It takes records.
    case open
    /// The disk has no room for another segment: records with bodies fail with `.noSpace`.
    case outOfSpace
    /// The disk refuses to store: all appends fail with `.failed`; it is tried again every second.
    case failed
    /// `Log.close` was called.
    case closed
}
