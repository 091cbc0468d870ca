import Events

/// A message as it came in, before `Cleanup`.
public struct IncomingMessage: Sendable {
    /// The id minted for it.
    public var id: QueueID
    /// The envelope as the transaction gave it; `size` and `content` are `Cleanup`'s to fill in.
    public var envelope: Envelope
    /// The received bytes: all of them, or what follows the chunks already in the log.
    public var body: [UInt8]
    /// Octets in chunks already in the log.
    public var chunkedSize: UInt64
    /// Where the header section can be read: `body`, or the first chunk of a large message.
    public var header: HeaderFacts
    /// Whether missing header fields are added.
    public var completion: HeaderCompletion

    /// A message as it came in.
    public init(id: QueueID, envelope: Envelope, body: [UInt8], chunkedSize: UInt64 = 0, header: HeaderFacts,
                completion: HeaderCompletion = .none) {
        self.id = id
        self.envelope = envelope
        self.body = body
        self.chunkedSize = chunkedSize
        self.header = header
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

/// What a header section says that `Cleanup` needs.
public struct HeaderFacts: Hashable, Sendable {
    /// How many Received fields there are (RFC 5321 §6.3).
    public var receivedCount: Int
    /// Whether there is a Date field.
    public var hasDate: Bool
    /// Whether there is a Message-ID field.
    public var hasMessageID: Bool
    /// Addresses in Delivered-To fields: going there again would be a loop.
    public var deliveredTo: [String]
    /// What the bytes hold.
    public var content: ContentFacts

    /// Facts about a header section.
    public init(receivedCount: Int = 0, hasDate: Bool = true, hasMessageID: Bool = true, deliveredTo: [String] = [],
                content: ContentFacts = []) {
        self.receivedCount = receivedCount
        self.hasDate = hasDate
        self.hasMessageID = hasMessageID
        self.deliveredTo = deliveredTo
        self.content = content
    }
}
