import Events
import MailQueue
import Ports
import Storage

/// What nodes and readers ask, and the parts of bodies.
extension MemoryQueueStore {
    func entries(at reads: [PlaceRead], limit: Int) -> [PlacePage] {
        let now = clock()
        var left = limit
        return reads.map { read in
            guard let held = leases[read.lease.place], held.lease == read.lease, now < held.expires else {
                return PlacePage(lease: read.lease, isLost: true, through: nil)
            }
            let after = read.after ?? .start
            let all = (rowsOfPlace[read.lease.place] ?? []).compactMap { rows[$0] }.filter { $0.changed > after }
                .sorted { ($0.changed, $0.entry.name) < ($1.changed, $1.entry.name) }
            let page = all.prefix(max(0, left))
            left -= page.count
            let isAll = page.count == all.count
            let end = StorePosition(major: defect == .ordersByStart ? started : committed, minor: .max)
            let through = isAll ? end : page.last?.changed ?? after
            return PlacePage(lease: read.lease, entries: page.map(\.entry), through: max(through, after))
        }
    }

    func message(of name: EntryName, maxBody: Int) -> Result<KeptContent, StoreError> {
        guard let row = rows[name], let message = messages[row.entry.message] else { return .failure(.gone) }
        let body = message.record.body
        return .success(KeptContent(meta: message.record.meta, bodySize: body.count, body: body.count <= maxBody ? body : nil,
                                    lastResult: lastResults[message.id]))
    }

    func body(_ id: QueueID, part: Int) -> Result<[UInt8], StoreError> {
        guard let message = messages[id] else { return .failure(.gone) }
        if part == message.parts { return .success(message.record.body) }
        guard let bytes = parts[id]?[UInt32(clamping: part)] else { return .failure(.gone) }
        return .success(bytes)
    }

    func putPart(_ id: QueueID, index: UInt32, _ bytes: [UInt8]) { parts[id, default: [:]][index] = bytes }

    func abandon(_ id: QueueID) {
        if messages[id] == nil { parts[id] = nil }
    }

    func events(after position: StorePosition, limit: Int) -> EventPage {
        let page = log.filter { $0.position > position }.sorted { $0.position < $1.position }.prefix(limit)
        return EventPage(groups: Array(page), through: page.last?.position ?? position)
    }
}
