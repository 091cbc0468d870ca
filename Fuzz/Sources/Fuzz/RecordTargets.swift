@testable import Events
@testable import MailQueue
import MessageFormat
import Ports
import SMTP
@testable import Storage

/// Event records: nonsense is refused, and what was read can be written and is then the same.
let eventTarget = FuzzTarget(
    name: "events", maxLength: 1024,
    seeds: eventSeeds) { bytes in
    guard let first = bytes.first else { return }
    let meta = bytes[1...]
    _ = try? AttemptsStartedRecord(decoding: meta)
    if let chunk = try? ChunkRecord(decoding: meta) {
        check((try? ChunkRecord(decoding: chunk.encoded[...])) == chunk, "a chunk record does not come back")
    }
    if let accepted = try? AcceptedRecord(decoding: meta) {
        check((try? AcceptedRecord(decoding: accepted.encoded[...])) == accepted, "an accepted record does not come back")
    }
    let kinds = RecordKind.allCases
    let kind = kinds[Int(first) % kinds.count]
    guard let event = (try? MailEvent(kind: kind, decoding: meta)) ?? nil else { return }
    check(event.kind == kind, "an event of another kind")
    guard let again = (try? MailEvent(kind: kind, decoding: event.encoded[...])) ?? nil else { fail("an event does not come back") }
    check(again.encoded == event.encoded, "an event comes back changed")
    for line in [JSONLine.object(event.fields()), TextLine.fields(event.fields())] {
        check(String(validating: line, as: UTF8.self) != nil, "a log line that is not UTF-8")
        checkText(String(decoding: line, as: UTF8.self))
    }
}

private let eventSeeds: [[UInt8]] = {
    guard let address = try? EmailAddress(parsing: "c@d.example") else { return [] }
    var envelope = Envelope(reversePath: .mailbox(address), recipients: [
        Recipient(address: address, notify: .delay, parent: nil, isExpanded: true), Recipient(address: address, notify: nil, parent: 0, isExpanded: false),
    ], arrival: Timestamp(seconds: 1_800_000_000))
    envelope.envelopeID = "e"
    envelope.origin.clientAddress = .loopback
    envelope.origin.helo = "h"
    let id = QueueID(rawValue: 1 << 40 | 1)
    let reply = Reply(550, .init(5, 1, 1), "no")
    let diagnosis = Diagnosis(status: .init(5, 1, 1), reply: reply, explanation: "x", bounceClass: .unclassified)
    let results = [RecipientResult(recipient: 0, outcome: .bounced(diagnosis)), RecipientResult(recipient: 1, outcome: .deferred(until: envelope.arrival, diagnosis)),
                   RecipientResult(recipient: 1, outcome: .relayed(reply, reportedBy: .thisHost))]
    var host = RemoteHost(name: "mx.example")
    host.endpoint = .ip(.loopback, port: 25)
    let attempt = AttemptResult(number: 2, host: host, duration: .seconds(1), results: results, noticesGiven: 1)
    let details: [MailEvent.Detail] = [.accepted(envelope), .attempted(attempt), .held(.operatorRequest), .released, .removed(recipients: [0, 1]), .crashed(count: 2)]
    return details.map { detail in
        let event = MailEvent(message: id, time: envelope.arrival, detail: detail)
        return [UInt8(truncatingIfNeeded: RecordKind.allCases.firstIndex(of: event.kind) ?? 0)] + event.encoded
    }
}()

/// The queue's recovery: any checkpoint and any records after it give a queue, or are counted as unreadable.
let checkpointTarget = FuzzTarget(
    name: "checkpoint", maxLength: 1024,
    seeds: checkpointSeeds) { bytes in
    var input = FuzzInput(bytes)
    var recovery = QueueRecovery(routes: FuzzRoutes())
    var lsn: UInt64 = 1
    while !input.isEmpty {
        let kind = input.octet()
        let size = Int(input.octet()) | (kind & 0x80 != 0 ? Int(input.octet()) << 8 : 0)
        let part = input.take(size)
        if kind & 0x40 != 0 {
            recovery.take(.checkpoint(part))
        } else {
            lsn += 1
            recovery.take(.record(RecoveredRecord(
                lsn: LSN(lsn), position: kind & 0x20 != 0 ? nil : RecordPosition(segment: 1, offset: UInt32(truncatingIfNeeded: lsn)), kind: kind & 0x0f,
                version: 1, messageKey: 1, meta: part, bodyLength: Int(kind), storedBytes: 64)))
        }
    }
    checkTable(recovery)
}

/// Every message has entries, every entry its message, and the indexes agree.
private func checkTable(_ recovery: borrowing QueueRecovery) {
    var count = 0
    for slot in 0..<recovery.table.bound where recovery.table.isOccupied(slot) {
        count += 1
        let message = recovery.table[slot]
        check(recovery.table.slot(of: message.id) == slot, "a message that cannot be found")
        check(recovery.table.senders[message.sender] != nil, "a message without sender")
        let links = recovery.table.entries(of: slot)
        check(!links.isEmpty, "a message with nothing left to do")
        for link in links {
            let entry = recovery.entries[link.entry.index]
            check(recovery.table.hosts[link.host] != nil, "an entry without host")
            check(recovery.senderKeys[entry.sender] != nil, "an entry without sender")
            check(!recovery.table.recipients(of: EntryPayload(rawValue: entry.payload)).isEmpty, "an entry without recipients")
        }
    }
    check(count == recovery.count, "\(count) messages, \(recovery.count) counted")
}

private let checkpointSeeds: [[UInt8]] = {
    var bytes = CheckpointBytes(kind: .messages)
    bytes.fixed(1 << 40 | 1)
    bytes.fixed(1 << 32 | 1)
    bytes.number(64 as UInt64)
    bytes.fixed(0)
    for number in [0, 10, 7, 1_800_000] as [UInt64] { bytes.number(number) }
    bytes.octet(0)
    bytes.octet(0)
    bytes.text("<c@d.example>")
    bytes.number(0 as UInt64)
    bytes.number(2 as UInt64)
    for recipients in [[0, 1], [2]] as [[UInt64]] {
        bytes.text("d.example")
        bytes.text("d.example")
        bytes.number(5 as UInt64)
        bytes.number(1 as UInt64)
        bytes.octet(0)
        bytes.number(UInt64(recipients.count))
        for recipient in recipients { bytes.number(recipient) }
    }
    bytes.endMessage()
    func chunk(_ bytes: [UInt8]) -> [UInt8] { [0x40, UInt8(truncatingIfNeeded: bytes.count)] + bytes }
    func record(_ kind: RecordKind, _ meta: [UInt8]) -> [UInt8] {
        [kind.rawValue | 0x80, UInt8(truncatingIfNeeded: meta.count), UInt8(truncatingIfNeeded: meta.count >> 8)] + meta
    }
    let events = eventSeeds.map { seed in record(RecordKind.allCases[Int(seed[0])], Array(seed[1...])) }
    return [chunk(bytes.encoded), chunk(bytes.encoded) + events.dropFirst().flatMap { $0 }, events.flatMap { $0 }]
}()

private final class FuzzRoutes: RouteTable {
    func destination(for host: MailHost, from reversePath: ReversePath) -> DestinationKey {
        DestinationKey(route: RouteID(0), domain: host.description)
    }

    func diagnosis(ofFailure failure: UInt32) -> Diagnosis { Diagnosis(status: .init(5, 0, 0)) }
}
