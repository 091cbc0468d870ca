import Events
import MessageFormat
import Storage

/// All waiting messages, and what they share.
///
/// A class, so that asking it something never copies the references that a struct of tables would hold.
final class MessageTable {
    private(set) var messages = Slab<QueuedMessage>()
    private var index = MessageIndex()
    var extras = Slab<MessageExtra>()
    var sets = Slab<RecipientSet>()
    var hosts = Interner<MailHost>()
    var senders = Interner<ReversePath>()

    /// Messages waiting.
    var count: Int { messages.count }
    /// Places below this were in use at some time.
    var bound: UInt32 { messages.bound }

    subscript(slot: UInt32) -> QueuedMessage {
        @inline(__always) get { messages[slot] }
        @inline(__always) _modify { yield &messages[slot] }
    }

    /// The place of a message; nil when it is not waiting.
    func slot(of id: QueueID) -> UInt32? { index[id] }

    /// Whether a message is at this place.
    func isOccupied(_ slot: UInt32) -> Bool { slot < messages.bound && messages[slot].id.rawValue != 0 }

    /// Takes a message; its sender and hosts must be retained already.
    func insert(_ message: QueuedMessage) -> UInt32 {
        let slot = messages.allocate { _ in message }
        index[message.id] = slot
        return slot
    }

    /// Forgets a message and what it alone uses; its entries and their sets are the caller's to forget.
    func remove(_ slot: UInt32) {
        let message = messages[slot]
        index[message.id] = nil
        senders.release(message.sender)
        if message.extra == .none {
            hosts.release(message.host)
        } else {
            for link in extras[message.extra].entries { hosts.release(link.host) }
            extras[message.extra].entries = []
            extras[message.extra].chunks = []
            extras.vacate(message.extra)
        }
        messages[slot].id = QueueID(rawValue: 0)
        messages.vacate(slot)
    }

    /// The entries of a message.
    func entries(of slot: UInt32) -> [EntryLink] {
        let message = messages[slot]
        if message.extra == .none { return [EntryLink(entry: message.entry, host: message.host)] }
        return extras[message.extra].entries
    }

    /// The chunks of a message's body that are records of their own.
    func chunks(of slot: UInt32) -> [ChunkLink] {
        let message = messages[slot]
        return message.extra == .none ? [] : extras[message.extra].chunks
    }

    /// The payload for an entry with these recipients.
    func payload(slot: UInt32, recipients: [UInt16]) -> EntryPayload {
        if recipients.count == 1, let recipient = recipients.first { return EntryPayload(slot: slot, recipient: recipient) }
        return EntryPayload(slot: slot, set: sets.allocate { _ in RecipientSet(indexes: recipients) })
    }

    /// The recipients that a payload names.
    func recipients(of payload: EntryPayload) -> [UInt16] {
        if let set = payload.set { return sets[set].indexes }
        return [payload.recipient]
    }

    /// How many recipients a payload names.
    func recipientCount(of payload: EntryPayload) -> Int { payload.set.map { sets[$0].indexes.count } ?? 1 }

    /// Gives the set of a payload back, if it has one.
    func release(_ payload: EntryPayload) {
        guard let set = payload.set else { return }
        sets[set].indexes = []
        sets.vacate(set)
    }

    /// Every record of a message that may still be read, with its bytes in the log.
    func records(of slot: UInt32) -> [(position: RecordPosition, bytes: UInt32)] {
        let message = messages[slot]
        var records: [(position: RecordPosition, bytes: UInt32)] = [(message.position, message.storedBytes)]
        if message.lastEventBytes > 0 { records.append((message.lastEvent, message.lastEventBytes)) }
        for chunk in chunks(of: slot) { records.append((chunk.position, chunk.storedBytes)) }
        return records
    }
}
