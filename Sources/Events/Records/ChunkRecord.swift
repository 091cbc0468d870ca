/// What the record of a chunk says: which part of which message its body is.
public struct ChunkRecord: Hashable, Sendable {
    /// The message that will be accepted with it, or never.
    public var message: QueueID
    /// 0 for the first chunk.
    public var index: UInt32

    /// The record of a chunk.
    public init(message: QueueID, index: UInt32) {
        self.message = message
        self.index = index
    }

    /// The record's meta part.
    public var encoded: [UInt8] {
        var writer = FieldWriter(capacity: 24)
        writer.fixed(FieldTag.message, message.rawValue)
        writer.number(FieldTag.chunkIndex, UInt64(index))
        return writer.bytes
    }

    /// Reads a meta part; never traps, whatever it holds.
    public init(decoding meta: ArraySlice<UInt8>) throws(RecordError) {
        var message: UInt64?
        var index: UInt32?
        var reader = FieldReader(meta)
        while let field = try reader.next() {
            switch field.tag {
            case FieldTag.message: message = try field.fixed()
            case FieldTag.chunkIndex: index = try field.number(as: UInt32.self)
            default: break
            }
        }
        guard let message else { throw .missing(tag: FieldTag.message) }
        guard let index else { throw .missing(tag: FieldTag.chunkIndex) }
        self.init(message: QueueID(rawValue: message), index: index)
    }
}

/// Attempts that are about to begin, written so that a crash can be put down to them.
public struct AttemptsStartedRecord: Hashable, Sendable {
    /// The messages, one for each attempt.
    public var messages: [QueueID]

    /// The record of attempts for these messages.
    public init(messages: [QueueID]) { self.messages = messages }

    /// The record's meta part.
    public var encoded: [UInt8] {
        var writer = FieldWriter(capacity: 10 * messages.count)
        for message in messages { writer.fixed(FieldTag.started, message.rawValue) }
        return writer.bytes
    }

    /// Reads a meta part; never traps, whatever it holds.
    public init(decoding meta: ArraySlice<UInt8>) throws(RecordError) {
        messages = []
        var reader = FieldReader(meta)
        while let field = try reader.next() {
            if field.tag == FieldTag.started { messages.append(QueueID(rawValue: try field.fixed())) }
        }
    }
}
