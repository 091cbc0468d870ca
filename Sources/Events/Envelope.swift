import MessageFormat
import Ports
import SMTP

/// Everything about a message that is not its content: who sends it to whom, how, and where it came from (RFC 5321 §2.3.1).
public struct Envelope: Hashable, Sendable {
    /// Where bounces go; null for a bounce itself (RFC 5321 §4.5.5).
    public var reversePath: ReversePath
    /// The reverse-path towards recipients that are forwarded: one of our own that leads back to the sender (SRS).
    public var forwardedReversePath: EmailAddress?
    /// The recipients in their order; the index of a recipient is its name in every later event.
    public var recipients: [Recipient]
    /// When the message was accepted.
    public var arrival: Timestamp
    /// What BODY= declared (RFC 6152, RFC 3030).
    public var body: BodyType
    /// Whether MAIL carried SMTPUTF8 (RFC 6531).
    public var smtpUTF8: Bool
    /// Whether MAIL carried REQUIRETLS (RFC 8689).
    public var requireTLS: Bool
    /// How much of the message a failure notice returns (RFC 3461 §4.3); nil when RET was absent.
    public var returnContent: ReturnContent?
    /// ENVID, decoded from xtext (RFC 3461 §4.4).
    public var envelopeID: String?
    /// Where the message came from.
    public var origin: Origin
    /// What is known about the content without reading it again.
    public var content: ContentFacts
    /// Octets of the message as it goes out: added header fields and received bytes.
    public var size: UInt64
    /// Not to be tried before this moment.
    public var notBefore: Timestamp?
    /// Given up at this moment instead of after the configured lifetime.
    public var expiresAt: Timestamp?
    /// MT-PRIORITY, -9…9 (RFC 6710); 0 is ordinary.
    public var priority: Int8
    /// What the rules of the receiving side saw.
    public var findings: [RuleFinding] = []
    /// What SPF, DKIM, DMARC and ARC said of the message, and what followed from it; nil where nothing was verified.
    public var verification: String?

    /// An envelope with the ordinary value of everything that is not given.
    public init(reversePath: ReversePath, recipients: [Recipient], arrival: Timestamp, body: BodyType = .sevenBit,
                smtpUTF8: Bool = false, requireTLS: Bool = false, returnContent: ReturnContent? = nil,
                envelopeID: String? = nil, origin: Origin = Origin(), content: ContentFacts = [], size: UInt64 = 0,
                notBefore: Timestamp? = nil, expiresAt: Timestamp? = nil, priority: Int8 = 0,
                verification: String? = nil,
                forwardedReversePath: EmailAddress? = nil) {
        self.reversePath = reversePath
        self.recipients = recipients
        self.arrival = arrival
        self.body = body
        self.smtpUTF8 = smtpUTF8
        self.requireTLS = requireTLS
        self.returnContent = returnContent
        self.envelopeID = envelopeID
        self.origin = origin
        self.content = content
        self.size = size
        self.notBefore = notBefore
        self.expiresAt = expiresAt
        self.priority = priority
        self.verification = verification
        self.forwardedReversePath = forwardedReversePath
    }
}

extension Envelope {
    /// The reverse-path of a transaction with `recipients`: the forwarded one where any of them is forwarded.
    public func reversePath(towards recipients: [UInt16]) -> ReversePath {
        guard let forwardedReversePath, recipients.contains(where: { index in
            self.recipients.indices.contains(Int(index)) && self.recipients[Int(index)].isForwarded
        }) else { return reversePath }
        return .mailbox(forwardedReversePath)
    }
}

/// Where a message came from, as far as it is known.
public struct Origin: Hashable, Sendable {
    /// The client's address.
    public var clientAddress: IPAddress?
    /// The client's verified host name.
    public var clientName: String?
    /// What the client called itself in HELO, EHLO or LHLO.
    public var helo: String?
    /// The WITH clause of the trace field: `ESMTP`, `ESMTPS`, `LMTP`, `local` … (RFC 3848, RFC 6531).
    public var transmission: String?
    /// The configured name of the listener.
    public var listener: String?
    /// The authenticated account.
    public var account: String?
    /// User id of the local process that submitted the message.
    public var userID: UInt32?
    /// TLS version and cipher of the session, as the trace field shows them.
    public var tls: String?
    /// The message that this one reports on: set in Baton's own delivery status notifications.
    public var reportOn: QueueID?
    /// What a trusted relay told of the hop before it (XFORWARD).
    public var forwarded: [ForwardedFact] = []

    /// An origin; what is not known stays nil.
    public init(clientAddress: IPAddress? = nil, clientName: String? = nil, helo: String? = nil,
                transmission: String? = nil, listener: String? = nil, account: String? = nil, userID: UInt32? = nil,
                tls: String? = nil, reportOn: QueueID? = nil) {
        self.clientAddress = clientAddress
        self.clientName = clientName
        self.helo = helo
        self.transmission = transmission
        self.listener = listener
        self.account = account
        self.userID = userID
        self.tls = tls
        self.reportOn = reportOn
    }
}

/// What a next hop's missing extensions make necessary to know about the content.
public struct ContentFacts: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A header field holds octets above 127: the message needs SMTPUTF8 (RFC 6532).
    public static let eightBitHeader = ContentFacts(rawValue: 1)
    /// The body holds octets above 127: it needs 8BITMIME (RFC 6152).
    public static let eightBitBody = ContentFacts(rawValue: 2)
    /// A line is longer than 998 octets (RFC 5322 §2.1.1).
    public static let longLines = ContentFacts(rawValue: 4)
    /// The message does not end in CRLF, or holds bare CR or LF: only BDAT carries it as it is.
    public static let binary = ContentFacts(rawValue: 8)
    /// The header says `TLS-Required: No`: delivery goes before what the recipient's domain asks of TLS (RFC 8689 §3).
    public static let tlsWaived = ContentFacts(rawValue: 16)
}
