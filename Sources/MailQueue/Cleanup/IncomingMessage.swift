import Events

/// A message as it came in, before `Cleanup`.
public struct IncomingMessage: Sendable {
    /// The id minted for it.
    public var id: QueueID
    /// The envelope as the transaction gave it, with what the session noticed in `content`; `size` is filled in by `Cleanup`.
    public var envelope: Envelope
    /// The received bytes: all of them, or what follows the chunks already in the log.
    public var body: [UInt8]
    /// Octets in chunks already in the log.
    public var chunkedSize: UInt64
    /// The first chunk of a large message, which holds its header section; nil when that is in `body`.
    public var firstChunk: [UInt8]?
    /// How many Received fields the message came with (RFC 5321 §6.3).
    public var receivedCount: Int
    /// Whether missing header fields are added.
    public var completion: HeaderCompletion

    /// A message as it came in.
    public init(id: QueueID, envelope: Envelope, body: [UInt8], chunkedSize: UInt64 = 0, firstChunk: [UInt8]? = nil,
                receivedCount: Int = 0, completion: HeaderCompletion = .none) {
        self.id = id
        self.envelope = envelope
        self.body = body
        self.chunkedSize = chunkedSize
        self.firstChunk = firstChunk
        self.receivedCount = receivedCount
        self.completion = completion
    }
}

/// Whether header fields that a message lacks are added (RFC 6409 §8).
public enum HeaderCompletion: Hashable, Sendable {
    /// Relayed mail: nothing but the trace field is added.
    case none
    /// Submitted mail: Date and Message-ID are added where they are missing.
    case submission
}
