import MessageFormat

/// Which mail goes by which route.
public struct Rule: Hashable, Sendable {
    /// The recipients it is for; none for every recipient.
    public var recipients = AddressSet([])
    /// The senders it is for; none for every sender.
    public var senders = AddressSet([])
    /// The route.
    public var route = ""

    /// Whether this rule decides for `recipient` and `sender`; nil is the null reverse-path.
    public func matches(recipient: EmailAddress, sender: EmailAddress?) -> Bool {
        (recipients.isEmpty || recipients.contains(recipient)) && (senders.isEmpty || senders.contains(sender))
    }

    /// The documented defaults.
    public init() {}

    static var keys: [Key<Rule>] { [
        .value("recipients", \.recipients, .addressSet,
               "The recipients it is for: addresses, domains, or `*.example.org` for every domain below one. None for every recipient."),
        .value("senders", \.senders, .addressSet,
               "The senders it is for, in the same form; `<>` for bounces. None for every sender."),
        .required("route", \.route, .routeName, "The name of a route."),
    ] }

    static var type: ValueType<Rule> {
        .section("rule", "The first rule that fits decides. Rules are for mail that leaves: mail for local domains goes by the domain's own route.",
                 keys, initial: Rule()) { rule in
            let parts = [("recipients", rule.recipients), ("senders", rule.senders)].filter { !$0.1.isEmpty }
                .map { "\($0.0): \(ValueType<AddressSet>.addressSet.text($0.1))" }
            return "{\((parts + ["route: \(rule.route)"]).joined(separator: ", "))}"
        }
    }
}

/// Addresses and domains, found without looking at each.
public struct AddressSet: Hashable, Sendable {
    /// What the file says, in its order.
    public let patterns: [AddressPattern]
    private let addresses: Set<EmailAddress>
    private let domains: Set<Domain>
    private let parents: Set<Domain>
    private let holdsNull: Bool

    /// The set that `patterns` mean.
    public init(_ patterns: [AddressPattern]) {
        var addresses: Set<EmailAddress> = [], domains: Set<Domain> = [], parents: Set<Domain> = [], holdsNull = false
        for pattern in patterns {
            switch pattern {
            case .address(let address): addresses.insert(address.caseFolded)
            case .domain(let pattern) where pattern.isBelow: parents.insert(pattern.domain)
            case .domain(let pattern): domains.insert(pattern.domain)
            case .null: holdsNull = true
            }
        }
        (self.patterns, self.addresses, self.domains, self.parents, self.holdsNull) = (patterns, addresses, domains, parents, holdsNull)
    }

    /// Whether there is no pattern.
    public var isEmpty: Bool { patterns.isEmpty }

    /// Whether a pattern means `address`; nil is the null reverse-path.
    public func contains(_ address: EmailAddress?) -> Bool {
        guard let address else { return holdsNull }
        if !addresses.isEmpty, addresses.contains(address.caseFolded) { return true }
        guard let domain = address.domain else { return false }
        return domains.contains(domain) || (!parents.isEmpty && domain.ancestors.contains(where: parents.contains))
    }
}

extension Domain {
    /// The domains that this one lies below, nearest first.
    var ancestors: [Domain] {
        var rest = ascii[...]
        var ancestors: [Domain] = []
        while let dot = rest.firstIndex(of: ".") {
            rest = rest[rest.index(after: dot)...]
            if let domain = try? Domain(parsing: rest) { ancestors.append(domain) }
        }
        return ancestors
    }
}

extension EmailAddress {
    /// The address with its local part in lower case: what operators mean when they write one.
    var caseFolded: EmailAddress {
        (try? EmailAddress(localPart: localPart.lowercased(), host: host)) ?? self
    }
}

extension ValueType where Value == AddressSet {
    /// A list of address patterns.
    static var addressSet: ValueType {
        let list = ValueType<[AddressPattern]>.list(of: .addressPattern)
        return ValueType(name: list.name, read: { node, path, check in list.read(node, path, &check).map(AddressSet.init) },
                         text: { list.text($0.patterns) })
    }
}
