import MailQueue
import MessageFormat
import Ports
import SMTP

/// Which recipients are served, for whom, and what they stand for.
///
/// Local parts of local domains are compared without regard to case, and with the tag after the
/// separator cut off when the whole is not known. An immutable value: a reload makes a new one.
public struct AddressRules: Sendable {
    /// Domains whose mail ends here.
    public var localDomains: Set<Domain> = []
    /// The mailboxes of the local domains.
    public var mailboxes: any MailboxDirectory = ListedMailboxes()
    /// Domains whose mail is taken from anybody and handed on.
    public var relayDomains = DomainSet()
    /// Clients that may send to any domain.
    public var relayNetworks: [IPNetwork] = []
    /// Who gets mail to the bare `<postmaster>`, and to postmaster of a local domain without such a mailbox.
    public var postmaster: EmailAddress
    /// What separates a local part from its tag; nil when tags have no meaning.
    public var tagSeparator: Character? = "+"

    private var aliases: [Key: [EmailAddress]] = [:]
    private var catchAlls: [Domain: [EmailAddress]] = [:]

    /// An address as aliases compare it.
    private struct Key: Hashable {
        var localPart: String
        var host: MailHost

        init(_ localPart: String, _ host: MailHost) {
            self.localPart = localPart.asciiLowercased
            self.host = host
        }
    }

    /// Rules that serve nobody but the postmaster.
    public init(postmaster: EmailAddress) { self.postmaster = postmaster }

    /// Makes `address` stand for `targets`.
    public mutating func setAlias(_ address: EmailAddress, to targets: [EmailAddress]) {
        aliases[Key(address.localPart, address.host)] = targets
    }

    /// Sends what is addressed to no mailbox and no alias of `domain` to `targets`.
    public mutating func setCatchAll(_ domain: Domain, to targets: [EmailAddress]) { catchAlls[domain] = targets }

    /// Whether a client may send to any domain: its network may, or it has proved who it is.
    public func mayRelay(_ client: ClientIdentity) -> Bool {
        if client.login != nil { return true }
        guard let address = client.address else {
            // Only local processes reach a Unix socket.
            if case .unix = client.endpoint { return true }
            return false
        }
        return relayNetworks.contains { $0.contains(address) }
    }

    /// Whether `recipient` is served for a client that may, or may not, relay (RFC 5321 §3.6.2, §4.5.1).
    public func verdict(on recipient: ForwardPath, mayRelay: Bool) -> Verdict {
        guard case .mailbox(let address) = recipient else { return .accept }
        if let domain = address.domain {
            if localDomains.contains(domain) {
                return isKnown(address, in: domain) ? .accept : .reject(.unknownRecipient)
            }
            if relayDomains.contains(domain) { return .accept }
        }
        return mayRelay || alias(of: address) != nil ? .accept : .reject(.relayDenied)
    }

    /// The mailbox that a forward-path means.
    public func address(of path: ForwardPath) -> EmailAddress { path.address ?? postmaster }

    private func isKnown(_ address: EmailAddress, in domain: Domain) -> Bool {
        hasMailbox(address, in: domain) || isPostmaster(address) || alias(of: address) != nil || catchAlls[domain] != nil
    }

    private func hasMailbox(_ address: EmailAddress, in domain: Domain) -> Bool {
        let localPart = address.localPart.asciiLowercased
        if mailboxes.hasMailbox(localPart, in: domain) { return true }
        guard let base = untagged(localPart) else { return false }
        return mailboxes.hasMailbox(base, in: domain)
    }

    private func alias(of address: EmailAddress) -> [EmailAddress]? {
        guard !aliases.isEmpty else { return nil }
        if let targets = aliases[Key(address.localPart, address.host)] { return targets }
        guard let base = untagged(address.localPart) else { return nil }
        return aliases[Key(base, address.host)]
    }

    /// The local part without its tag; nil when it has none.
    private func untagged(_ localPart: String) -> String? {
        guard let tagSeparator, let separator = localPart.firstIndex(of: tagSeparator),
              separator > localPart.startIndex else { return nil }
        return String(localPart[..<separator])
    }

    private func isPostmaster(_ address: EmailAddress) -> Bool { address.localPart.asciiLowercased == "postmaster" }
}

extension AddressRules: AliasTable {
    /// What `address` stands for: its alias, or that of its part before the tag; for a local address
    /// without a mailbox the postmaster's or the catch-all's.
    public func expansion(of address: EmailAddress) -> [EmailAddress]? {
        if let targets = alias(of: address) { return targets }
        guard let domain = address.domain, localDomains.contains(domain), !hasMailbox(address, in: domain) else { return nil }
        if isPostmaster(address) { return address == postmaster ? nil : [postmaster] }
        return catchAlls[domain]
    }
}

extension String {
    /// The text with ASCII letters in lower case.
    ///
    /// Only those: the rules of other scripts depend on language, and would make two addresses one by surprise.
    var asciiLowercased: String {
        guard utf8.contains(where: { (0x41...0x5a).contains($0) }) else { return self }
        return String(decoding: utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}
