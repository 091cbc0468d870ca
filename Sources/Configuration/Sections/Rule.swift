import MessageFormat

/// Which mail goes by which route.
public struct Rule: Hashable, Sendable {
    /// The recipients' domains it is for; none for every recipient.
    public var recipients = DomainSet([])
    /// The senders it is for; none for every sender.
    public var senders = AddressSet([])
    /// The route.
    public var route = ""

    /// Whether this rule decides for recipients at `host` of mail from `reversePath`.
    public func matches(_ host: MailHost, from reversePath: ReversePath) -> Bool {
        (recipients.isEmpty || recipients.contains(host)) && (senders.isEmpty || senders.contains(reversePath))
    }

    /// The documented defaults.
    public init() {}

    static var keys: [Key<Rule>] { [
        .value("recipients", \.recipients, .domainSet,
               "The recipients it is for, by domain: `example.org`, or `*.example.org` for every domain below it. None for every recipient."),
        .value("senders", \.senders, .addressSet,
               "The senders it is for: addresses, domains, `*.example.org`, or `<>` for bounces. None for every sender."),
        .required("route", \.route, .routeName, "The name of a route."),
    ] }

    static var type: ValueType<Rule> {
        .section("rule", "The first rule that fits decides. Rules are for mail that leaves: mail for local domains goes by the domain's own route.",
                 keys, initial: Rule()) { rule in
            var parts: [String] = []
            if !rule.recipients.isEmpty { parts.append("recipients: " + ValueType<DomainSet>.domainSet.text(rule.recipients)) }
            if !rule.senders.isEmpty { parts.append("senders: " + ValueType<AddressSet>.addressSet.text(rule.senders)) }
            return "{\((parts + ["route: \(rule.route)"]).joined(separator: ", "))}"
        }
    }
}
