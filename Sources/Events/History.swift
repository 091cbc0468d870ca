import MessageFormat
import Ports
import Storage

/// What happened to messages, read back from the log: behind `baton trace`.
public struct History: Sendable {
    private let reader: LogReader

    /// The history that `reader` finds.
    public init(reader: LogReader) { self.reader = reader }

    /// Everything that is known of one message, oldest first, on `loop`.
    public func trace(of message: QueueID, on loop: any Loop,
                      completion: @escaping @Sendable (Result<MessageTrace, StorageError>) -> Void) {
        reader.records(forMessage: message.rawValue, on: loop) { result in
            completion(result.map { MessageTrace(message: message, records: $0) })
        }
    }

    /// The last `limit` messages from or to an address, newest first, on `loop`.
    ///
    /// Addresses are found by a hash: a caller that must be sure looks at the envelope of each trace.
    public func messages(for address: EmailAddress, limit: Int, on loop: any Loop,
                         completion: @escaping @Sendable (Result<[QueueID], StorageError>) -> Void) {
        reader.messages(forAddressHash: AddressHash.of(address), limit: limit, on: loop) { result in
            completion(result.map { keys in keys.map(QueueID.init(rawValue:)) })
        }
    }
}

/// The history of one message.
public struct MessageTrace: Sendable {
    /// The message.
    public var message: QueueID
    /// Its envelope, unless its events are older than what is kept.
    public var envelope: Envelope?
    /// Its events in the order in which they happened.
    public var events: [MailEvent] = []
    /// Records of it that could not be understood.
    public var unreadable = 0

    init(message: QueueID, records: [LogRecord]) {
        self.message = message
        // A record that compaction has copied may be found twice.
        var last: LSN?
        for record in records.sorted(by: { $0.lsn < $1.lsn }) where record.lsn != last {
            last = record.lsn
            guard RecordKind.isKnown(kind: record.kind, version: record.version),
                  let kind = RecordKind(rawValue: record.kind) else {
                unreadable += 1
                continue
            }
            do {
                guard let event = try MailEvent(kind: kind, decoding: record.meta[...]) else { continue }
                if case .accepted(let envelope) = event.detail { self.envelope = envelope }
                events.append(event)
            } catch {
                unreadable += 1
            }
        }
    }

    /// The events in the words of the log, recipients by their addresses.
    public var lines: [[EventField]] { events.map { $0.fields(envelope: envelope) } }
}
