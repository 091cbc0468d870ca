import Ports

/// The rules of one listener against abuse; the defaults of `PolicySettings()` switch all of them off.
public struct PolicySettings: Hashable, Sendable {
    /// Limits of what one client, network, account, sender or recipient may do.
    public var limits: [LimitRule] = []
    /// Clients that speak before they are greeted.
    public var earlyTalker = EarlyTalkerRule()
    /// Slow answers for suspects.
    public var tarpit = TarpitRule()
    /// Lists of clients in DNS.
    public var dnsLists = DNSListRule()
    /// What clients call themselves.
    public var hello = HelloRules()
    /// The names of clients in DNS.
    public var reverseName = ReverseNameRules()
    /// First attempts of strangers.
    public var greylist = GreylistRule()
    /// Clients that guess recipients.
    public var dictionary = DictionaryRule()
    /// Whether the next hop knows a relayed recipient.
    public var recipientVerification = VerificationRule()
    /// Whether the sender's host takes mail for the sender.
    public var senderVerification = VerificationRule()
    /// Accounts that behave as if they were in a spammer's hands.
    public var breaker = BreakerRule()
    /// Names by which only this host may call itself, in ASCII and lower case.
    public var ownNames: Set<String> = []

    /// No rules.
    public init() {}

    /// Whether no rule looks at anything.
    public var isOff: Bool {
        limits.allSatisfy { $0.mode == .off } && earlyTalker.mode == .off && dnsLists.mode == .off && hello.isOff && reverseName.isOff
            && greylist.mode == .off && dictionary.mode == .off && recipientVerification.mode == .off && senderVerification.mode == .off
            && breaker.mode == .off
    }
}

/// Clients that speak before they are greeted (RFC 5321 §3.1: the client waits for the greeting).
public struct EarlyTalkerRule: Hashable, Sendable {
    /// Whether it acts.
    public var mode = RuleMode.off
    /// How long the greeting is kept back to see whether the client waits for it.
    public var greetingDelay = Duration.zero

    /// Off.
    public init() {}
}

/// Slow answers to RCPT for clients that another rule has seen something of.
public struct TarpitRule: Hashable, Sendable {
    /// Whether it acts.
    public var mode = RuleMode.off
    /// How late each answer is.
    public var delay = Duration.seconds(5)
    /// Answers that are being kept back at once; further ones go out at once, so that a tarpit cannot fill the server.
    public var maxWaiting = 500

    /// Off.
    public init() {}
}

/// Names in EHLO and HELO that tell of a forger.
public struct HelloRules: Hashable, Sendable {
    /// A stranger calls itself by a name or address of this host.
    public var ownName = RuleMode.off
    /// An address literal that is not the client's address.
    public var literal = RuleMode.off
    /// A name without a dot.
    public var unqualified = RuleMode.off
    /// A name without addresses or mail exchanges in DNS.
    public var unresolved = RuleMode.off

    /// Off.
    public init() {}

    var isOff: Bool { ownName == .off && literal == .off && unqualified == .off && unresolved == .off }
}

/// What DNS says of the client's address (RFC 1912 §2.1).
public struct ReverseNameRules: Hashable, Sendable {
    /// The address has no name.
    public var missing = RuleMode.off
    /// No name of the address leads back to it.
    public var unconfirmed = RuleMode.off

    /// Off.
    public init() {}

    var isOff: Bool { missing == .off && unconfirmed == .off }
}

/// Clients that try one unknown recipient after the other.
public struct DictionaryRule: Hashable, Sendable {
    /// Whether it acts.
    public var mode = RuleMode.off
    /// Unknown recipients in the window that are too many.
    public var max = 10
    /// The window.
    public var window = Duration.minutes(10)
    /// How long the client is turned away then.
    public var penalty = Duration.minutes(30)

    /// Off.
    public init() {}
}
