import Events
import MailAuth

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
    /// Header fields that go above our trace field, CRLF-terminated: what was found out about the message (RFC 8601 §4).
    public var resultFields: [UInt8]
    /// Why the message waits until somebody releases it; nil when it does not.
    public var hold: HoldReason?
    /// Whether the sender's domain has an SPF record; nil where nobody looked.
    public var senderPublishesSPF: Bool?
    /// What ARC says of the message, for the set that it may get; nil where nobody verified it.
    public var chain: ARCResult?
    /// Whether the relay answers for the author.
    public var authorship = Authorship.foreign
    /// The hash of the body for signatures, where parts of it are in the log already; nil when it was not computed.
    public var bodyHash: [UInt8]?

    /// A message as it came in.
    public init(id: QueueID, envelope: Envelope, body: [UInt8], chunkedSize: UInt64 = 0, firstChunk: [UInt8]? = nil,
                receivedCount: Int = 0, completion: HeaderCompletion = .none, resultFields: [UInt8] = [],
                hold: HoldReason? = nil) {
        self.id = id
        self.envelope = envelope
        self.body = body
        self.chunkedSize = chunkedSize
        self.firstChunk = firstChunk
        self.receivedCount = receivedCount
        self.completion = completion
        self.resultFields = resultFields
        self.hold = hold
    }
}

/// Whose mail it is, as far as the way it came tells.
public enum Authorship: Hashable, Sendable {
    /// Anybody's: the relay takes it for others and does not sign it.
    case foreign
    /// A user's of this relay: local, authenticated, or in a network that may relay.
    case own
}

/// Whether header fields that a message lacks are added (RFC 6409 §8).
public enum HeaderCompletion: Hashable, Sendable {
    /// Relayed mail: nothing but the trace field is added.
    case none
    /// Submitted mail: Date and Message-ID are added where they are missing.
    case submission
}
