import SMTP
import Ports

/// Why a recipient was not reached: what the remote host said, or what Baton found itself.
public struct Diagnosis: Hashable, Sendable {
    /// The status for the report's `Status` field (RFC 3463).
    public var status: EnhancedStatusCode
    /// The remote host's reply; nil when it never came to one.
    public var reply: Reply?
    /// Baton's own words: the whole story without a reply, the circumstance with one.
    public var explanation: String
    /// What kind of failure this is.
    public var bounceClass: BounceClass

    /// A diagnosis; `bounceClass` can be left to the classifier.
    public init(status: EnhancedStatusCode, reply: Reply? = nil, explanation: String = "",
                bounceClass: BounceClass = .unclassified) {
        self.status = status
        self.reply = reply
        self.explanation = explanation
        self.bounceClass = bounceClass
    }
}

/// What kind of failure a diagnosis tells of, for people and for statistics.
public enum BounceClass: UInt8, Hashable, Sendable, CaseIterable {
    case unclassified = 0
    /// There is no such mailbox.
    case unknownMailbox = 1
    /// There is no such domain, or it takes no mail.
    case unknownDomain = 2
    /// The mailbox is full.
    case mailboxFull = 3
    /// The mailbox exists and is switched off.
    case mailboxDisabled = 4
    /// The message is too large.
    case messageTooLarge = 5
    /// Refused for what it says or for who sends it.
    case policy = 6
    /// Refused as spam or for the reputation of the source.
    case reputation = 7
    /// Too much at once: try later.
    case rateLimited = 8
    /// Authentication of the sender or domain failed.
    case authentication = 9
    /// Nothing could be reached there.
    case network = 10
    /// The name could not be looked up.
    case dns = 11
    /// TLS was demanded and could not be had.
    case tls = 12
    /// The other side broke the protocol, or lacks an extension that is needed.
    case `protocol` = 13
    /// The message went in circles.
    case loop = 14
    /// The remote system is out of order.
    case system = 15
    /// An operator ended it.
    case operatorRequest = 16

    /// The name that logs, events and the console use.
    public var name: String {
        switch self {
        case .unclassified: "unclassified"
        case .unknownMailbox: "unknown-mailbox"
        case .unknownDomain: "unknown-domain"
        case .mailboxFull: "mailbox-full"
        case .mailboxDisabled: "mailbox-disabled"
        case .messageTooLarge: "message-too-large"
        case .policy: "policy"
        case .reputation: "reputation"
        case .rateLimited: "rate-limited"
        case .authentication: "authentication"
        case .network: "network"
        case .dns: "dns"
        case .tls: "tls"
        case .protocol: "protocol"
        case .loop: "loop"
        case .system: "system"
        case .operatorRequest: "operator"
        }
    }
}

/// The host that an attempt talked to, or tried to.
public struct RemoteHost: Hashable, Sendable {
    /// Its name as the route gave it: an MX name, a smart host, a mailbox root.
    public var name: String
    /// The endpoint that was tried, nil when it never came to one.
    public var endpoint: SocketEndpoint?
    /// What TLS the session used, as text; nil for none.
    public var tls: String?

    /// A remote host.
    public init(name: String, endpoint: SocketEndpoint? = nil, tls: String? = nil) {
        self.name = name
        self.endpoint = endpoint
        self.tls = tls
    }
}
