import Events

/// A message that is ready for the log; only `Cleanup` makes one.
public struct Submission: Sendable {
    let message: AcceptedMessage
    /// Octets of the body that are in chunks already.
    public let chunkedSize: UInt64
    /// Why the message is not to be delivered before somebody has looked at it; nil when it is.
    public var hold: HoldReason?

    init(message: AcceptedMessage, chunkedSize: UInt64) {
        self.message = message
        self.chunkedSize = chunkedSize
    }

    /// The name that the client will be told.
    public var id: QueueID { message.id }
    /// Sender, recipients after alias expansion, and what is known of the message.
    public var envelope: Envelope { message.envelope }
    /// Header fields that Baton adds in front of what it received, CRLF-terminated.
    public var prefix: [UInt8] { message.prefix }
    /// What was received: all of it, or what follows the chunks that are already in the log.
    public var body: [UInt8] { message.body ?? [] }
}
