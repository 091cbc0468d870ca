import Events

/// A message that is ready for the log; only `Cleanup` makes one.
public struct Submission: Sendable {
    /// The name that the client will be told.
    public let id: QueueID
    /// Sender, recipients after alias expansion, and what is known of the message.
    public let envelope: Envelope
    /// Header fields that Baton adds in front of what it received, CRLF-terminated.
    public let prefix: [UInt8]
    /// What was received: all of it, or what follows the chunks that are already in the log.
    public let body: [UInt8]

    init(id: QueueID, envelope: Envelope, prefix: [UInt8], body: [UInt8]) {
        self.id = id
        self.envelope = envelope
        self.prefix = prefix
        self.body = body
    }
}
