import MessageFormat

/// What the door to the queue does to every message.
public struct CleanupSettings: Sendable {
    /// The name of this host in trace fields and message ids.
    public var hostName: Domain
    /// Received fields after which a message is taken to go in circles (RFC 5321 §6.3).
    public var maxHops = 50
    /// Recipients after expansion.
    public var maxRecipients = 10_000 {
        didSet { maxRecipients = min(maxRecipients, Int(UInt16.max)) }
    }
    /// Steps from an address to its last alias.
    public var maxAliasDepth = 10
    /// Whether trace fields of submitted mail name the client.
    public var clientInTrace: ClientInTrace = .shown

    /// The defaults for a host of this name.
    public init(hostName: Domain) { self.hostName = hostName }
}

/// Whether the trace field of submitted mail tells where its author sits.
public enum ClientInTrace: Hashable, Sendable {
    /// HELO name and address are in the trace field.
    case shown
    /// Authenticated submissions show neither.
    case hiddenForSubmission
}
