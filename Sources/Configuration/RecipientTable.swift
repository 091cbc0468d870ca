import MessageFormat

/// Who the local domains' recipients are, and what aliases stand for.
public struct RecipientTable: Sendable {
    /// What the configuration says of a recipient.
    public enum Finding: Hashable, Sendable {
        /// It has a mailbox that this route delivers to.
        case mailbox(route: String)
        /// It stands for these addresses.
        case alias([EmailAddress])
        /// Its domain is local and has no such recipient: 550 5.1.1.
        case unknown
        /// Its domain is relayed for everybody.
        case relayed
        /// It is elsewhere: only relay networks may send there.
        case remote
    }

    private let domains: [Domain: LocalDomain]
    private let relayDomains: DomainSet
    private let aliases: [EmailAddress: [EmailAddress]]
    private let postmaster: EmailAddress

    /// The recipients of `configuration`.
    public init(_ configuration: BatonConfiguration) {
        domains = configuration.domains
        relayDomains = DomainSet(configuration.relayDomains)
        aliases = Dictionary(configuration.aliases.map { ($0.key.caseFolded, $0.value) }, uniquingKeysWith: { first, _ in first })
        postmaster = configuration.postmaster
    }

    /// What the configuration says of `address`: one step, chains are not followed.
    ///
    /// An address that is among its own targets is a mailbox that gets a copy: it is final when it
    /// comes back from its own expansion.
    public func find(_ address: EmailAddress) -> Finding {
        guard let domain = address.domain else { return .remote }
        if let local = domains[domain] { return find(address, in: local, domain) }
        // Only what is taken from anybody may have an alias: no other would be served for strangers.
        guard relayDomains.contains(domain) else { return .remote }
        return targets(of: address.localPart.lowercased(), domain).map { .alias($0) } ?? .relayed
    }

    /// The addresses that `address` expands into; nil when it is final.
    ///
    /// A target that is the address itself comes back as it was asked for, whatever its case.
    public func expansion(of address: EmailAddress) -> [EmailAddress]? {
        guard case .alias(let targets) = find(address) else { return nil }
        let folded = address.caseFolded
        let expansion = targets.map { $0.caseFolded == folded ? address : $0 }
        return expansion == [address] ? nil : expansion
    }

    /// The route that delivers to `address` if it is, or can be, a mailbox: what a copy to oneself goes by.
    public func mailboxRoute(of address: EmailAddress) -> String? {
        guard let domain = address.domain, let local = domains[domain] else { return nil }
        let localPart = address.localPart.lowercased()
        return local.holds(localPart) || local.holds(local.untagged(localPart)) ? local.route : nil
    }

    /// Whether `address` is the target of the catch-all that it falls into, without being a mailbox.
    func isCaughtAgain(_ address: EmailAddress) -> Bool {
        guard let domain = address.domain, let local = domains[domain], mailboxRoute(of: address) == nil,
              case .alias(let targets) = find(address) else { return false }
        return local.aliases[address.localPart.lowercased()] == nil && targets.contains { $0.caseFolded == address.caseFolded }
    }

    private func find(_ address: EmailAddress, in local: LocalDomain, _ domain: Domain) -> Finding {
        let localPart = address.localPart.lowercased()
        for name in local.isTagged(localPart) ? [localPart, local.untagged(localPart)] : [localPart] {
            if let targets = targets(of: name, domain) { return .alias(targets) }
            if let targets = local.aliases[name] { return .alias(addresses(targets, domain)) }
            if local.holds(name, everyCounts: false) { return .mailbox(route: local.route) }
        }
        // Every domain has a postmaster (RFC 5321 §4.5.1).
        if localPart == "postmaster", postmaster.caseFolded != (try? EmailAddress(localPart: localPart, host: .domain(domain))) {
            return .alias([postmaster])
        }
        if local.mailboxes == .every || localPart == "postmaster" { return .mailbox(route: local.route) }
        return local.catchAll.isEmpty ? .unknown : .alias(addresses(local.catchAll, domain))
    }

    /// What an alias outside of the domains' own stands for.
    private func targets(of localPart: String, _ domain: Domain) -> [EmailAddress]? {
        guard !aliases.isEmpty, let address = try? EmailAddress(localPart: localPart, host: .domain(domain)) else { return nil }
        return aliases[address]
    }

    private func addresses(_ targets: [AliasTarget], _ domain: Domain) -> [EmailAddress] {
        targets.compactMap { target in
            switch target {
            case .address(let address): address
            case .sameDomain(let localPart): try? EmailAddress(localPart: localPart, host: .domain(domain))
            }
        }
    }
}

extension LocalDomain {
    /// Whether there is a mailbox for `localPart`, given in lower case.
    func holds(_ localPart: String, everyCounts: Bool = true) -> Bool {
        switch mailboxes {
        case .every: everyCounts
        case .listed(let names): names.contains(localPart)
        }
    }

    /// Whether `localPart` has a tag.
    func isTagged(_ localPart: String) -> Bool { untagged(localPart) != localPart }

    /// `alice` of `alice+tag`.
    public func untagged(_ localPart: String) -> String {
        guard let separator = subaddressSeparator?.first, let end = localPart.firstIndex(of: separator),
              end > localPart.startIndex else { return localPart }
        return String(localPart[..<end])
    }
}
