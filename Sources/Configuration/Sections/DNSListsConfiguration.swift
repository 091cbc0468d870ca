import MessageFormat
import Ports

/// Lists of clients in DNS.
public struct DNSListsConfiguration: Hashable, Sendable {
    /// Whether it acts.
    public var mode = PolicyMode.enforce
    /// The lists.
    public var lists: [DNSListConfiguration] = []
    /// The sum of weights from which on a client is refused.
    public var refuseAt = 10
    /// How far below zero the sum must be for a client to be trusted.
    public var trustAt = 10
    /// How long a recipient waits for the answers.
    public var timeout = Duration.seconds(5)

    /// The documented defaults.
    public init() {}

    static var keys: [Key<DNSListsConfiguration>] { [
        .value("mode", \.mode, .choice, PolicyMode.meaning),
        .value("lists", \.lists, .list(of: DNSListConfiguration.type, count: 0...50),
               "The lists. Each has terms of use: read them before you ask it.", reference: "RFC 5782", example: """
               # - zone: bad.example.net
               #   weight: 10
               # - zone: good.example.net
               #   weight: 10
               #   good: true
               """),
        .value("refuseAt", \.refuseAt, .count(1...1000), "The sum of the weights of the lists that have a client from which on it is refused."),
        .value("trustAt", \.trustAt, .count(1...1000),
               "How much more the lists of good clients must weigh than the others for a client to be trusted: it is not greylisted."),
        .value("timeout", \.timeout, .duration(.seconds(1) ... .seconds(30)),
               "How long the first recipient waits for the answers. Lists that do not answer in time, or answer with an error, do not count."),
    ] }
}

/// One list of clients in DNS.
public struct DNSListConfiguration: Hashable, Sendable {
    /// The zone to ask in.
    public var zone = Domain.localhost
    /// What being listed weighs.
    public var weight = 10
    /// Whether it lists good clients.
    public var isGood = false
    /// The answers that count.
    public var answers: [IPNetwork] = []
    /// Bits of the last octet of which one must be set.
    public var mask = 0

    /// A list to be filled in.
    public init() {}

    static var keys: [Key<DNSListConfiguration>] { [
        .required("zone", \.zone, .domain, "The zone below which the reversed address of the client is asked for."),
        .value("weight", \.weight, .count(1...1000), "What being listed adds to the score of the client; lists of good clients take it away."),
        .value("good", \.isGood, .flag, "Whether this is a list of good clients."),
        .value("answers", \.answers, .list(of: .network),
               "The answers that count, as `127.0.0.2` or `127.0.0.4/30`. None for all of 127.0.0.0/8 but 127.0.0.1; 127.255.255.0/24, by which lists refuse to answer, never counts."),
        .value("mask", \.mask, .count(0...255), "Bits of the last octet of which one must be set in an answer, for lists whose answers are sums; 0 for no such condition."),
    ] }

    static var type: ValueType<DNSListConfiguration> {
        .section("DNS list", "", keys, initial: DNSListConfiguration()) { list in
            "{zone: \(yamlText(list.zone.ascii)), weight: \(list.weight)}"
        }
    }
}
