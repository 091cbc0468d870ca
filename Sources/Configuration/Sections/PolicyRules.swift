import MessageFormat
import Ports

/// Clients that guess recipients.
public struct DictionaryConfiguration: Hashable, Sendable {
    /// Whether it acts.
    public var mode = PolicyMode.enforce
    /// Unknown recipients in the window that are too many.
    public var max = 20
    /// The window.
    public var window = Duration.minutes(10)
    /// How long the client is turned away then.
    public var penalty = Duration.minutes(30)

    /// The documented defaults.
    public init() {}

    static var keys: [Key<DictionaryConfiguration>] { [
        .value("mode", \.mode, .choice, PolicyMode.meaning),
        .value("max", \.max, .count(1...1_000_000), "Unknown recipients of one client in the window that are allowed."),
        .value("window", \.window, .duration(.seconds(1) ... .days(31)), "The window, which slides."),
        .value("penalty", \.penalty, .duration(.seconds(1) ... .days(31)), "How long connections of such a client get 421."),
    ] }
}

/// Clients that speak before they are greeted.
public struct EarlyTalkerConfiguration: Hashable, Sendable {
    /// Whether it acts.
    public var mode = PolicyMode.enforce
    /// How long the greeting is kept back.
    public var greetingDelay = Duration.zero

    /// The documented defaults.
    public init() {}

    static var keys: [Key<EarlyTalkerConfiguration>] { [
        .value("mode", \.mode, .choice, PolicyMode.meaning),
        .value("greetingDelay", \.greetingDelay, .duration(.zero ... .minutes(1)),
               "How long the greeting is kept back to see whether a stranger waits for it. With 0s only what comes along with a PROXY header is seen; 2s to 6s catch many.",
               reference: "RFC 5321 §3.1"),
    ] }
}

/// Slow answers for suspects.
public struct TarpitConfiguration: Hashable, Sendable {
    /// Whether it acts.
    public var mode = PolicyMode.off
    /// How late each answer is.
    public var delay = Duration.seconds(5)
    /// Answers that are kept back at once.
    public var maxWaiting = 500

    /// The documented defaults.
    public init() {}

    static var keys: [Key<TarpitConfiguration>] { [
        .value("mode", \.mode, .choice, PolicyMode.meaning),
        .value("delay", \.delay, .duration(.zero ... .minutes(4)), "How late each answer is."),
        .value("maxWaiting", \.maxWaiting, .count(0...1_000_000),
               "Answers that are kept back at once over all listeners; further ones go out at once, so that the tarpit cannot fill the server."),
    ] }
}

/// What clients call themselves.
public struct HelloConfiguration: Hashable, Sendable {
    /// A stranger calls itself by a name or address of this host.
    public var ownName = PolicyMode.enforce
    /// An address literal that is not the client's address.
    public var literal = PolicyMode.log
    /// A name without a dot.
    public var unqualified = PolicyMode.log
    /// A name that is not in DNS.
    public var unresolved = PolicyMode.off

    /// The documented defaults.
    public init() {}

    static var keys: [Key<HelloConfiguration>] { [
        .value("ownName", \.ownName, .choice, "A stranger goes by `hostname`, a local domain, `localhost` or the address that it has reached."),
        .value("literal", \.literal, .choice, "An address literal that is not the client's address, or an address that is no literal.", reference: "RFC 5321 §4.1.3"),
        .value("unqualified", \.unqualified, .choice, "A name without a dot."),
        .value("unresolved", \.unresolved, .choice, "A name that has neither addresses nor mail exchanges in DNS.", reference: "RFC 5321 §4.1.4 allows no refusal for a name that does not fit the address"),
    ] }
}

/// The names of clients in DNS.
public struct ReverseNameConfiguration: Hashable, Sendable {
    /// The address has no name.
    public var missing = PolicyMode.log
    /// No name of the address leads back to it.
    public var unconfirmed = PolicyMode.log

    /// The documented defaults.
    public init() {}

    static var keys: [Key<ReverseNameConfiguration>] { [
        .value("missing", \.missing, .choice, "The client's address has no name.", reference: "RFC 1912 §2.1"),
        .value("unconfirmed", \.unconfirmed, .choice, "No name of the client's address leads back to it."),
    ] }
}

/// First attempts of strangers.
public struct GreylistConfiguration: Hashable, Sendable {
    /// Whether it acts.
    public var mode = PolicyMode.off
    /// How long after the first attempt the next one counts.
    public var delay = Duration.minutes(2)
    /// How long after the first attempt the next one must come.
    public var patience = Duration.hours(24)
    /// How long those who have passed are remembered.
    public var memory = Duration.days(36)
    /// Passed triplets after which all mail of a pool is let in.
    public var passesToTrust = 2

    /// The documented defaults.
    public init() {}

    static var keys: [Key<GreylistConfiguration>] { [
        .value("mode", \.mode, .choice, PolicyMode.meaning),
        .value("delay", \.delay, .duration(.seconds(1) ... .hours(24)), "How long after the first attempt the next one is let in."),
        .value("patience", \.patience, .duration(.minutes(10) ... .days(31)), "How long after its first attempt a sender must have come again."),
        .value("memory", \.memory, .duration(.hours(1) ... .days(366)), "How long those who have passed are remembered after their last message; over restarts, too."),
        .value("passesToTrust", \.passesToTrust, .count(1...100), "Passed triplets of client, sender and recipient after which all mail of the client is let in."),
    ] }
}

/// An address is asked for at its own server.
public struct CalloutConfiguration: Hashable, Sendable {
    /// Whether it acts.
    public var mode = PolicyMode.off
    /// How long a transaction waits for the answer.
    public var timeout = Duration.seconds(20)
    /// How long a good address is remembered.
    public var goodLifetime = Duration.days(7)
    /// How long a bad address is remembered.
    public var badLifetime = Duration.hours(1)

    /// The documented defaults.
    public init() {}

    static var keys: [Key<CalloutConfiguration>] { [
        .value("mode", \.mode, .choice, PolicyMode.meaning),
        .value("timeout", \.timeout, .duration(.seconds(1) ... .minutes(4)), "How long a transaction waits for the answer; without one in time, the address passes."),
        .value("goodLifetime", \.goodLifetime, .duration(.minutes(1) ... .days(366)), "How long a good address is remembered."),
        .value("badLifetime", \.badLifetime, .duration(.minutes(1) ... .days(31)), "How long a bad address is remembered. Only a 5yz reply to RCPT makes one bad."),
    ] }
}

/// Accounts that behave as if they were in a spammer's hands.
public struct BreakerConfiguration: Hashable, Sendable {
    /// Whether it acts.
    public var mode = PolicyMode.enforce
    /// The time over which recipients are counted.
    public var window = Duration.hours(1)
    /// Recipients in the window that are still usual.
    public var maxRecipients = 1000
    /// Recipients in the window that the account has never written to before.
    public var maxNewRecipients = 300
    /// The share of recipients that bounce.
    public var maxBounceShare = 0.3
    /// Results that a day must have before that share means anything.
    public var minResults = 50

    /// The documented defaults.
    public init() {}

    static var keys: [Key<BreakerConfiguration>] { [
        .value("mode", \.mode, .choice, PolicyMode.meaning),
        .value("window", \.window, .duration(.minutes(1) ... .days(7)), "The time over which recipients are counted; it slides."),
        .value("maxRecipients", \.maxRecipients, .count(1...100_000_000), "Recipients of an account in the window past which its mail is held."),
        .value("maxNewRecipients", \.maxNewRecipients, .count(1...100_000_000),
               "The same for recipients that the account has never written to before."),
        .value("maxBounceShare", \.maxBounceShare, .percentage(1...100), "The share of an account's recipients of a day that may bounce."),
        .value("minResults", \.minResults, .count(1...1_000_000), "Recipients that a day must have before that share is looked at."),
    ] }
}
