import Ports

/// All entries at one moment, for a checkpoint or a listing that is written while the scheduler goes on.
///
/// Taking one is cheap: it shares the slabs, and what changes afterwards is copied by chunks.
public struct ScheduleSnapshot: Sendable {
    let entries: Slab<ScheduleEntry>
    let destinations: Slab<Destination>
    let senders: Slab<Sender>

    /// Number of entries.
    public var count: Int { entries.count }

    /// What `Scheduler.insert` needs to have up to `limit` entries back, from slab index `start` on, and the
    /// index to go on from; nil after the last. An attempt in progress counts as not made.
    public func drafts(from start: UInt32, limit: Int) -> (drafts: [EntryDraft], next: UInt32?) {
        var drafts: [EntryDraft] = []
        var index = start
        while index < entries.bound, drafts.count < limit {
            if entries[index].state != .vacant { drafts.append(draft(entries[index])) }
            index += 1
        }
        return (drafts, index < entries.bound ? index : nil)
    }

    private func draft(_ entry: ScheduleEntry) -> EntryDraft {
        var draft = EntryDraft(message: entry.message, payload: entry.payload,
                               destination: destinations[entry.destination].key,
                               sender: senders[entry.sender].key, arrival: Timestamp(second: entry.arrivalSeconds))
        draft.cost = entry.cost
        draft.attempts = entry.attempts
        draft.due = entry.dueSeconds == 0 ? nil : Timestamp(second: entry.dueSeconds)
        draft.noticesGiven = entry.noticesGiven
        draft.isBounce = entry.flags.contains(.bounce)
        draft.isHeld = entry.state == .held || entry.flags.contains(.holdAfterAttempt)
        return draft
    }
}
