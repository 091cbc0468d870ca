import Events
import MessageFormat
import Ports

/// Which messages an operator means; everything that is given must hold.
public struct QueueFilter: Hashable, Sendable {
    /// These messages only.
    public var ids: [QueueID]?
    /// The reverse-path: an address, `@domain`, or `<>`.
    public var sender: AddressPattern?
    /// The account that submitted the message.
    public var account: String?
    /// One recipient that still waits: an address or `@domain`.
    public var recipient: AddressPattern?
    /// The key of the site as `status` shows it, or a host name within it.
    public var site: String?
    /// The state of one of its entries.
    public var state: WaitingState?
    /// Accepted at least this long ago.
    public var olderThan: Duration?
    /// Accepted at most this long ago.
    public var youngerThan: Duration?
    /// Text within the last reply or diagnosis, in any case of ASCII letters.
    public var lastReply: String?

    /// The filter that every message passes.
    public init() {}
}

/// An address or all addresses of a domain.
public enum AddressPattern: Hashable, Sendable {
    /// The null reverse-path.
    case null
    /// This address.
    case address(EmailAddress)
    /// Every address at this host.
    case host(MailHost)

    /// Parses `<>`, `@domain`, `domain` or an address; nil for anything else.
    public init?(_ text: String) {
        if text == "<>" || text.isEmpty {
            self = .null
        } else if let address = try? EmailAddress(parsing: text) {
            self = .address(address)
        } else if let host = try? MailHost(parsing: text.hasPrefix("@") ? String(text.dropFirst()) : text) {
            self = .host(host)
        } else {
            return nil
        }
    }
}

/// Where a message is on its way, as operators see it.
public enum WaitingState: String, Hashable, Sendable, CaseIterable {
    /// Its destination is being looked up.
    case resolving
    /// It waits for the time of its next attempt.
    case deferred
    /// It waits for its turn.
    case ready
    /// It is being delivered.
    case delivering
    /// It is over and is being recorded so.
    case settling
    /// An operator or a rule holds it.
    case held
}
