import MailAuth
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
    /// How the reverse-path of forwarded mail is rewritten; nil when it is not.
    public var forwarding: ForwardingRules?
    /// Whether trace fields of submitted mail name the client.
    public var clientInTrace: ClientInTrace = .shown

    /// The defaults for a host of this name.
    public init(hostName: Domain) { self.hostName = hostName }
}

/// When and how the reverse-path is rewritten where an alias leads out of our domains.
public struct ForwardingRules: Sendable {
    /// When it is rewritten.
    public enum Occasion: Hashable, Sendable {
        /// Where the sender's domain publishes SPF, or nobody looked.
        case needed
        /// For every sender outside.
        case always
    }

    /// The rewriting scheme.
    public var srs: SRS
    /// When it is used.
    public var occasion: Occasion

    /// Rules for forwarded mail.
    public init(srs: SRS, occasion: Occasion = .needed) {
        self.srs = srs
        self.occasion = occasion
    }
}

/// Whether the trace field of submitted mail tells where its author sits.
public enum ClientInTrace: Hashable, Sendable {
    /// HELO name and address are in the trace field.
    case shown
    /// Authenticated submissions show neither.
    case hiddenForSubmission
}
