import MessageFormat

/// Domains, found without looking at each.
public struct DomainSet: Hashable, Sendable {
    /// What the file says, in its order.
    public let patterns: [DomainPattern]
    private let domains: Set<Domain>
    /// The domains below which every one is meant, as text: their names are compared, not parsed, for each recipient.
    private let parents: Set<String>

    /// The set that `patterns` mean.
    public init(_ patterns: [DomainPattern]) {
        self.patterns = patterns
        domains = Set(patterns.filter { !$0.isBelow }.map(\.domain))
        parents = Set(patterns.filter(\.isBelow).map(\.domain.ascii))
    }

    /// Whether there is no pattern.
    public var isEmpty: Bool { patterns.isEmpty }

    /// Whether a pattern means `domain`.
    public func contains(_ domain: Domain) -> Bool {
        domains.contains(domain) || (!parents.isEmpty && domain.ancestors.contains { parents.contains(String($0)) })
    }

    /// Whether a pattern means `host`; an address literal is in no domain.
    public func contains(_ host: MailHost) -> Bool { host.domain.map(contains) ?? false }
}

/// Senders, found without looking at each.
public struct AddressSet: Hashable, Sendable {
    /// What the file says, in its order.
    public let patterns: [AddressPattern]
    private let addresses: Set<EmailAddress>
    private let domains: DomainSet
    private let holdsNull: Bool

    /// The set that `patterns` mean.
    public init(_ patterns: [AddressPattern]) {
        self.patterns = patterns
        var addresses: Set<EmailAddress> = [], domains: [DomainPattern] = [], holdsNull = false
        for pattern in patterns {
            switch pattern {
            case .address(let address): addresses.insert(address.caseFolded)
            case .domain(let pattern): domains.append(pattern)
            case .null: holdsNull = true
            }
        }
        (self.addresses, self.domains, self.holdsNull) = (addresses, DomainSet(domains), holdsNull)
    }

    /// Whether there is no pattern.
    public var isEmpty: Bool { patterns.isEmpty }

    /// Whether a pattern means `reversePath`.
    public func contains(_ reversePath: ReversePath) -> Bool {
        switch reversePath {
        case .null: holdsNull
        case .mailbox(let address):
            domains.contains(address.host) || (!addresses.isEmpty && addresses.contains(address.caseFolded))
        }
    }
}

extension Domain {
    /// The names of the domains that this one lies below, nearest first.
    var ancestors: some Sequence<Substring> {
        sequence(state: ascii[...]) { rest in
            guard let dot = rest.firstIndex(of: ".") else { return nil }
            rest = rest[rest.index(after: dot)...]
            return rest
        }
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

extension ValueType where Value == DomainSet {
    /// A list of domain patterns.
    static var domainSet: ValueType {
        let list = ValueType<[DomainPattern]>.list(of: .domainPattern)
        return ValueType(name: list.name, read: { node, path, check in list.read(node, path, &check).map(DomainSet.init) },
                         text: { list.text($0.patterns) })
    }
}
