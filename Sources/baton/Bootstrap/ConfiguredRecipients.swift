import Configuration
import MessageFormat
import Receiving

/// The recipients of the configuration, as the receiving side asks for them.
extension RecipientTable: RecipientDirectory {
    public func finding(for address: EmailAddress) -> RecipientFinding {
        switch find(address) {
        case .mailbox: .mailbox
        // An alias for itself alone is a mailbox.
        case .alias: expansion(of: address).map { .alias($0) } ?? .mailbox
        case .unknown: .unknown
        case .relayed: .relayed
        case .remote: .remote
        }
    }
}

extension BatonConfiguration {
    /// Which recipients are served, and for whom.
    var addressRules: AddressRules {
        var rules = AddressRules(postmaster: postmaster, directory: RecipientTable(self))
        rules.relayNetworks = relayNetworks
        rules.srs = srs
        return rules
    }
}
