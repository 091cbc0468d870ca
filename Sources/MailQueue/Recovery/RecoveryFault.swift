import Events
import Storage

/// Something that a start could not understand, for `baton queue fsck` to explain and to put aside.
public enum RecoveryFault: Sendable {
    /// A record of the log.
    case record(RecoveredRecord)
    /// A message of the checkpoint, with its queue id and the place of its record as far as they can be read.
    case message(id: QueueID?, position: RecordPosition?, storedBytes: Int, [UInt8])
    /// A whole part of the checkpoint, or the rest of one.
    case part([UInt8])

    /// A fault in a message of the checkpoint.
    init(message bytes: [UInt8]) {
        var reader = CheckpointReader(bytes)
        let id = reader.fixed(), position = reader.fixed(), stored = reader.number(as: UInt32.self)
        self = .message(id: id.map { QueueID(rawValue: $0) }, position: position.map { RecordPosition(packed: $0) },
                        storedBytes: Int(stored ?? 0), bytes)
    }

    /// What it is, for a person.
    public var text: String {
        switch self {
        case .record(let record):
            "record \(record.lsn.rawValue) of kind \(record.kind)"
                + (record.messageKey == 0 ? "" : " about message \(QueueID(rawValue: record.messageKey))")
                + (record.position.map { " at \($0)" } ?? "") + " is not understood"
        case .message(let id, let position, _, _):
            "message \(id.map { "\($0)" } ?? "without id") of the checkpoint is not understood"
                + (position.map { "; its record is at \($0)" } ?? "")
        case .part(let bytes): "\(bytes.count) bytes of the checkpoint are not understood"
        }
    }

    /// Copies it to the quarantine; blocks.
    public func setAside(in log: Log, number: Int) throws(FileError) {
        let name = "\(log.incarnation)-\(number)"
        switch self {
        case .record(let record):
            try log.setAside(record.meta, as: "record-\(record.lsn.rawValue)")
            if let position = record.position { try log.setAside(position, bytes: record.storedBytes) }
        case .message(_, let position, let storedBytes, let bytes):
            try log.setAside(bytes, as: "checkpoint-message-\(name)")
            // A position that makes no sense leads nowhere; what there is of the message is kept all the same.
            if let position, storedBytes > 0 { try? log.setAside(position, bytes: storedBytes) }
        case .part(let bytes): try log.setAside(bytes, as: "checkpoint-part-\(name)")
        }
    }
}
