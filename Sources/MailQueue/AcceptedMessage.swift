import Events
import MessageFormat
import Storage

/// A message with its envelope in memory; one object that everything refers to, since envelopes are costly to copy.
final class AcceptedMessage: Sendable {
    let id: QueueID
    let envelope: Envelope
    /// Header fields that Baton added.
    let prefix: [UInt8]
    /// The received bytes, or what follows the chunks; nil when they are left in the log.
    let body: [UInt8]?
    /// Octets of the body part of the `accepted` record.
    let bodySize: Int
    /// Octets of each chunk that lies in a record of its own.
    let chunkSizes: [UInt32]

    init(id: QueueID, envelope: Envelope, prefix: [UInt8], body: [UInt8]?, bodySize: Int, chunkSizes: [UInt32]) {
        self.id = id
        self.envelope = envelope
        self.prefix = prefix
        self.body = body
        self.bodySize = bodySize
        self.chunkSizes = chunkSizes
    }

    convenience init(id: QueueID, envelope: Envelope, prefix: [UInt8], body: [UInt8]) {
        self.init(id: id, envelope: envelope, prefix: prefix, body: body, bodySize: body.count, chunkSizes: [])
    }

    /// The same message, not in the log yet, with `fields` on top.
    func headed(by fields: [UInt8]) -> AcceptedMessage {
        var envelope = envelope
        envelope.size &+= UInt64(fields.count)
        return AcceptedMessage(id: id, envelope: envelope, prefix: fields + prefix, body: body ?? [])
    }

    /// What the log keeps of it.
    func draft(chunkSizes: [UInt32]) -> RecordDraft {
        let record = AcceptedRecord(message: id, envelope: envelope, prefix: prefix, chunkSizes: chunkSizes)
        return RecordDraft(kind: RecordKind.accepted.rawValue, version: RecordKind.version, isCritical: true,
                           messageKey: id.rawValue, addressHashes: addressHashes, meta: record.encoded, body: body ?? [])
    }

    /// The addresses by which history finds the message.
    private var addressHashes: [UInt64] {
        var hashes: [UInt64] = []
        hashes.reserveCapacity(1 + envelope.recipients.count)
        if let sender = envelope.reversePath.address { hashes.append(AddressHash.of(sender)) }
        for recipient in envelope.recipients { hashes.append(AddressHash.of(recipient.address)) }
        return hashes
    }

    /// Bytes that it takes in memory, roughly.
    var memory: Int { 512 + prefix.count + (body?.count ?? 0) + 128 * envelope.recipients.count }
}

extension MailEvent {
    /// What the log keeps of the event; `accepted` has a draft of its own.
    var draft: RecordDraft {
        RecordDraft(kind: kind.rawValue, version: RecordKind.version, isCritical: kind.isCritical,
                    messageKey: message.rawValue, meta: encoded)
    }
}
