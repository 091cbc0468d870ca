import Ports

/// What a rule does with what it sees.
public enum PolicyMode: String, Hashable, Sendable, CaseIterable {
    /// It acts.
    case enforce
    /// It notes what it would have acted on.
    case log
    /// It does not look.
    case off

    static let meaning = "Whether the rule acts (`enforce`), only notes in the event what it saw (`log`), or is `off`."
}

/// The groups of rules, by which a listener switches them off.
public enum PolicyGroup: String, Hashable, Sendable, CaseIterable {
    case limits, dictionary, earlyTalker, tarpit, dnsLists, hello, reverseName, greylist, recipientVerification, senderVerification, breaker
}

/// The rules against abuse.
public struct PolicyConfiguration: Hashable, Sendable {
    /// Entries of each table of the rules.
    public var tableSize = 100_000
    /// Limits of what one client, network, account, sender or recipient may do.
    public var limits = PolicyLimit.standard
    /// Clients that guess recipients.
    public var dictionary = DictionaryConfiguration()
    /// Clients that speak before they are greeted.
    public var earlyTalker = EarlyTalkerConfiguration()
    /// Slow answers for suspects.
    public var tarpit = TarpitConfiguration()
    /// Lists of clients in DNS.
    public var dnsLists = DNSListsConfiguration()
    /// What clients call themselves.
    public var hello = HelloConfiguration()
    /// The names of clients in DNS.
    public var reverseName = ReverseNameConfiguration()
    /// First attempts of strangers.
    public var greylist = GreylistConfiguration()
    /// Whether the next hop knows a relayed recipient.
    public var recipientVerification = CalloutConfiguration()
    /// Whether the sender's host takes mail for the sender.
    public var senderVerification = CalloutConfiguration()
    /// Accounts that behave as if they were in a spammer's hands.
    public var breaker = BreakerConfiguration()

    /// The documented defaults.
    public init() {}

    static var keys: [Key<PolicyConfiguration>] { [
        .value("tableSize", \.tableSize, .count(1000...10_000_000),
               "How many clients, accounts, senders and recipients each rule remembers; those not seen for longest are forgotten first."),
        .value("limits", \.limits, .list(of: PolicyLimit.type, count: 0...100, identifiedBy: \.name),
               "Limits of what one client, network, account, sender or recipient may do. Limits by client and network are for strangers: relay networks and accounts have none of them. A list here replaces the default one as a whole."),
        .section("dictionary", \.dictionary, DictionaryConfiguration.keys, default: DictionaryConfiguration(),
                 "Clients that try one unknown recipient after the other get 421 4.7.0 and are turned away for a while."),
        .section("earlyTalker", \.earlyTalker, EarlyTalkerConfiguration.keys, default: EarlyTalkerConfiguration(),
                 "Clients that send something before the greeting get 554 5.5.0 and are disconnected."),
        .section("tarpit", \.tarpit, TarpitConfiguration.keys, default: TarpitConfiguration(),
                 "Answers to RCPT come late for clients that another rule has seen something of, and for recipients that are refused for good."),
        .section("dnsLists", \.dnsLists, DNSListsConfiguration.keys, default: DNSListsConfiguration(),
                 "Lists of bad and of good clients in DNS. Bad ones get 554 5.7.1 at RCPT; without lists, nothing is asked."),
        .section("hello", \.hello, HelloConfiguration.keys, default: HelloConfiguration(),
                 "What strangers call themselves in EHLO or HELO, at listeners that speak `smtp`; those refused get 550 5.7.1 at RCPT."),
        .section("reverseName", \.reverseName, ReverseNameConfiguration.keys, default: ReverseNameConfiguration(),
                 "What DNS says of the client's address, at listeners that speak `smtp`; those refused get 550 5.7.25 at RCPT. A DNS that fails is no fault of the client."),
        .section("greylist", \.greylist, GreylistConfiguration.keys, default: GreylistConfiguration(),
                 "First attempts of strangers get 450 4.7.1; who comes again is let in. Hosts that SPF lets send for the sender, that have confirmed names in one domain, or that are neighbours in a /24 or /64, are one client."),
        .section("recipientVerification", \.recipientVerification, CalloutConfiguration.keys, default: CalloutConfiguration(),
                 "Whether the next hop knows the recipient is asked before mail for a relay domain is taken; recipients that it refuses get 550 5.1.1."),
        .section("senderVerification", \.senderVerification, CalloutConfiguration.keys, default: CalloutConfiguration(),
                 "Whether the sender's own server takes mail for the sender is asked before mail is taken; senders that it refuses get 550 5.1.7. Many servers take such questions for abuse."),
        .section("breaker", \.breaker, BreakerConfiguration.keys, default: BreakerConfiguration(),
                 "Mail of an account that behaves as if it were in a spammer's hands is taken and held; `baton queue release --account NAME` or `remove` ends it."),
    ] }
}
