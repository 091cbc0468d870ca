import Ports

/// Questions that the queue asks for every message.
///
/// Mutating, though nothing changes: the class that keeps the scheduler then lends it for the call,
/// where it would copy it, with a retain for each of its tables, for a function that only reads.
extension Scheduler {
    /// The entry with `id`; nil for a stale id.
    mutating func entry(_ id: EntryID) -> ScheduleEntry? { self[id] }

    /// Route and domain of an entry; nil for a stale id.
    mutating func lookUpDestination(of id: EntryID) -> DestinationKey? { destination(of: id) }

    /// The sender of an entry; nil for a stale id.
    mutating func lookUpSender(of id: EntryID) -> SenderKey? { sender(of: id) }
}
