import Events
import MessageFormat
import SMTP

/// Follows aliases from the recipients of a transaction to final addresses.
struct AliasExpansion {
    let aliases: any AliasTable
    let settings: CleanupSettings

    /// Adds what the recipients expand into behind them; false when none does.
    mutating func expand(_ recipients: inout [Recipient]) throws(CleanupRefusal) -> Bool {
        let given = recipients.count
        var seen: Set<EmailAddress>?
        for index in 0..<given {
            guard let targets = aliases.expansion(of: recipients[index].address) else { continue }
            if seen == nil { seen = Set(recipients.map(\.address)) }
            try expand(index, into: targets, &recipients, &seen)
        }
        guard seen != nil else { return false }
        guard recipients.contains(where: { !$0.isExpanded }) else { throw .aliasLoop }
        return true
    }

    private func expand(_ index: Int, into targets: [EmailAddress], _ recipients: inout [Recipient],
                        _ seen: inout Set<EmailAddress>?) throws(CleanupRefusal) {
        let origin = recipients[index]
        var finals: [EmailAddress] = []
        var visited: Set<EmailAddress> = [origin.address]
        var layer = targets
        // Layer by layer, so that no chain of aliases becomes a recursion.
        for depth in 0..<settings.maxAliasDepth where !layer.isEmpty {
            var next: [EmailAddress] = []
            for address in layer {
                if address == origin.address {
                    // An alias that names itself means the mailbox of that name; one that others lead back to is a loop.
                    if depth == 0 { finals.append(address) }
                } else if visited.insert(address).inserted {
                    let further = aliases.expansion(of: address) ?? [address]
                    // The same for aliases on the way: who is among his own targets keeps a copy.
                    if further.contains(address) { finals.append(address) }
                    next += further.lazy.filter { $0 != address }
                }
                guard finals.count + next.count + recipients.count <= settings.maxRecipients else { throw .tooManyRecipients }
            }
            layer = next
        }
        guard layer.isEmpty, !finals.isEmpty else { throw .aliasLoop }
        if finals == [origin.address] { return }
        replace(index, by: finals, &recipients, &seen)
    }

    private func replace(_ index: Int, by finals: [EmailAddress], _ recipients: inout [Recipient],
                         _ seen: inout Set<EmailAddress>?) {
        let origin = recipients[index]
        recipients[index].isExpanded = true
        var notify = origin.notify
        // One to one is forwarding: who asked for a report of success gets it from where the mail ends.
        // One to many is a list, which reports `expanded` itself (RFC 3461 §5.2.7).
        if finals.count > 1, let conditions = notify { notify = conditions.subtracting(.success) }
        let original = origin.originalRecipient ?? OriginalRecipient(
            addressType: origin.address.isASCII ? "rfc822" : "utf-8", address: origin.address.description)
        for address in finals {
            guard address == origin.address || seen?.insert(address).inserted ?? true else { continue }
            recipients.append(Recipient(address: address, originalRecipient: original, notify: notify,
                                        parent: UInt16(truncatingIfNeeded: index), isForwarded: aliases.isOutside(address)))
        }
    }
}
