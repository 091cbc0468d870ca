import Ports

/// All entries at one moment, for a checkpoint or a listing that is written while the scheduler goes on.
///
/// Taking one is cheap: it shares the slabs, and what changes afterwards is copied by chunks.
public struct ScheduleSnapshot: Sendable {
    /// Number of entries.
    public var count: Int { fatalError() }

    /// What `Scheduler.insert` needs to have up to `limit` entries back, from slab index `start` on, and the
    /// index to go on from; nil after the last. An attempt in progress counts as not made.
    public func drafts(from start: UInt32, limit: Int) -> (drafts: [EntryDraft], next: UInt32?) { fatalError() }
}
