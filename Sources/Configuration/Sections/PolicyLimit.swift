import Ports

/// One limit.
public struct PolicyLimit: Hashable, Sendable {
    /// What is counted.
    public enum Measure: String, Hashable, Sendable, CaseIterable {
        case connections, connectionRate, messages, recipients, authFailures, errors, bytes
    }

    /// For whom it is counted.
    public enum Subject: String, Hashable, Sendable, CaseIterable {
        case client, network, account, sender, recipient
    }

    /// The name by which events know it.
    public var name = ""
    /// What is counted.
    public var count = Measure.messages
    /// For whom.
    public var by = Subject.client
    /// How much is allowed.
    public var max = 1
    /// In which time.
    public var window = Duration.hours(1)
    /// Whether it acts.
    public var mode = PolicyMode.enforce

    /// A limit to be filled in.
    public init() {}

    init(_ name: String, _ count: Measure, _ by: Subject, _ max: Int, _ window: Duration) {
        self.name = name
        self.count = count
        self.by = by
        self.max = max
        self.window = window
    }

    static let standard = [
        PolicyLimit("network-connections", .connections, .network, 100, .minutes(1)),
        PolicyLimit("network-connection-rate", .connectionRate, .network, 300, .minutes(1)),
        PolicyLimit("client-errors", .errors, .client, 200, .minutes(10)),
        PolicyLimit("client-auth-failures", .authFailures, .client, 10, .minutes(10)),
        PolicyLimit("network-auth-failures", .authFailures, .network, 50, .minutes(10)),
        PolicyLimit("account-messages", .messages, .account, 1000, .hours(1)),
        PolicyLimit("account-recipients", .recipients, .account, 5000, .hours(24)),
    ]

    static var keys: [Key<PolicyLimit>] { [
        .required("name", \.name, .routeName, "The name by which events know it, as `limit.NAME`."),
        .required("count", \.count, .choice,
                  "What is counted: open `connections`, the `connectionRate`, accepted `messages`, accepted `recipients`, `authFailures`, `errors` that were answered, or `bytes` of accepted messages. Over the limit, connections get 421 4.7.0, messages and bytes 450 4.7.1, recipients 452 4.5.3, messages to one recipient 450 4.2.1.",
                  reference: "RFC 3463 §3.8"),
        .required("by", \.by, .choice,
                  "For whom it is counted: a `client` is an IPv4 address or an IPv6 /64, a `network` a /24 or a /48; `account` is who has logged in, `sender` the reverse-path, `recipient` each forward-path."),
        .required("max", \.max, .count(1...1_000_000_000_000), "How much is allowed."),
        .value("window", \.window, .duration(.seconds(1) ... .days(31)), "In which time; without meaning for `connections`. The window slides."),
        .value("mode", \.mode, .choice, "`enforce`: refuse; `log`: only note in the event what would have been refused; `off`: do not count."),
    ] }

    static var type: ValueType<PolicyLimit> {
        .section("limit", "", keys, initial: PolicyLimit()) { limit in
            "{name: \(yamlText(limit.name)), count: \(limit.count.rawValue), by: \(limit.by.rawValue), max: \(limit.max), "
                + "window: \(ValueType<Duration>.duration().text(limit.window)), mode: \(limit.mode.rawValue)}"
        }
    }
}
