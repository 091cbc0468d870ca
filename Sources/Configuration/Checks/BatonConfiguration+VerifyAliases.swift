import MessageFormat

extension BatonConfiguration {
    /// Reports aliases that lead nowhere, in circles or too far.
    func verifyAliases(_ check: inout Check) {
        let table = RecipientTable(self)
        for (address, targets) in aliases {
            let path = "aliases.\(address)"
            if let domain = address.domain, domains[domain] == nil, !relayDomains.contains(where: { $0.matches(domain) }) {
                check.reportKey(path, "'\(domain)' is neither a local nor a relay domain: its aliases would never be used")
            }
            verify(targets, of: address, path, table, &check)
        }
        for (domain, local) in domains {
            for (localPart, _) in local.aliases {
                guard let address = try? EmailAddress(localPart: localPart, host: .domain(domain)),
                      case .alias(let targets) = table.find(address) else { continue }
                verify(targets, of: address, "domains.\(domain).aliases.\(localPart)", table, &check)
            }
            for target in local.catchAll {
                guard let address = target.address(in: domain) else { continue }
                verify([address], of: nil, "domains.\(domain).catchAll", table, &check)
            }
        }
        if let postmaster = bounces.postmaster { verify([postmaster], of: nil, "bounces.postmaster", table, &check) }
    }

    private func verify(_ targets: [EmailAddress], of address: EmailAddress?, _ path: String, _ table: RecipientTable, _ check: inout Check) {
        for target in targets where table.find(target) == .unknown || table.isCaughtAgain(target) {
            check.report(path, "leads to '\(target.unicode)', which is no mailbox or alias of its domain")
        }
        guard let address else { return }
        if targets.contains(where: { $0.caseFolded == address.caseFolded }), table.mailboxRoute(of: address) == nil {
            check.report(path, "leads to itself, and there is no such mailbox")
        }
        var walk = AliasWalk(table: table, maxDepth: queue.maxAliasDepth)
        walk.visit(address)
        if let chain = walk.loop {
            check.report(path, "leads in circles: " + chain.map(\.unicode).joined(separator: " -> "))
        } else if walk.isTooDeep {
            check.report(path, "is more than \(queue.maxAliasDepth) steps from its end (queue.maxAliasDepth)")
        }
    }
}

/// Follows an alias to all its ends.
private struct AliasWalk {
    let table: RecipientTable
    let maxDepth: Int
    var loop: [EmailAddress]?
    var isTooDeep = false
    private var chain: [EmailAddress] = []
    private var finished: Set<EmailAddress> = []

    init(table: RecipientTable, maxDepth: Int) {
        self.table = table
        self.maxDepth = maxDepth
    }

    mutating func visit(_ address: EmailAddress) {
        let address = address.caseFolded
        // A copy to oneself is no circle; a way back to an earlier address is.
        if chain.last == address { return }
        if let start = chain.firstIndex(of: address) {
            loop = loop ?? Array(chain[start...]) + [address]
            return
        }
        guard !finished.contains(address), let targets = table.expansion(of: address) else { return }
        guard chain.count < maxDepth else { isTooDeep = true; return }
        chain.append(address)
        for target in targets { visit(target) }
        chain.removeLast()
        finished.insert(address)
    }
}

extension AliasTarget {
    /// The address that is meant in `domain`.
    func address(in domain: Domain) -> EmailAddress? {
        switch self {
        case .address(let address): address
        case .sameDomain(let localPart): try? EmailAddress(localPart: localPart, host: .domain(domain))
        }
    }
}
