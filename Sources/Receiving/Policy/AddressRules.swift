import MailAuth
import MailQueue
import MessageFormat
import Ports
import SMTP

/// Which recipients are served, and for whom.
///
/// An immutable value: a reload makes a new one.
public struct AddressRules: Sendable {
    /// Who the recipients are.
    public var directory: any RecipientDirectory
    /// Clients that may send to any domain.
    public var relayNetworks: [IPNetwork] = []
    /// Who gets mail to the bare `<postmaster>` (RFC 5321 §4.5.1).
    public var postmaster: EmailAddress

    /// The scheme of the reverse-paths that we rewrite when we forward: their bounces come in here.
    public var srs: SRS?

    /// Rules for the recipients in `directory`.
    public init(postmaster: EmailAddress, directory: any RecipientDirectory = NoRecipients()) {
        self.postmaster = postmaster
        self.directory = directory
    }

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
        if let original = original(of: address) { return original == .forged ? .reject(.unknownRecipient) : .accept }
        return switch directory.finding(for: address) {
        case .mailbox, .alias: .accept
        case .relayed: mayRelay || !AddressRules.holdsRoute(address.localPart) ? .accept : .reject(.relayDenied)
        case .unknown: .reject(.unknownRecipient)
        case .remote: mayRelay ? .accept : .reject(.relayDenied)
        }
    }

    /// Whether a local part reads as an address to go on to: `user%domain`, `host!user` (RFC 1123 §5.2.16).
    ///
    /// The next server trusts this host, and may send on for it what it would refuse a stranger.
    private static func holdsRoute(_ localPart: String) -> Bool {
        localPart.utf8.contains { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "!") || $0 == UInt8(ascii: "@") }
    }

    /// What a rewritten reverse-path stands for; nil for other addresses.
    private func original(of address: EmailAddress) -> SRS.Reversal? {
        guard let srs, address.domain == srs.domain else { return nil }
        let reversal = srs.reverse(address, at: nil)
        return reversal == .notRewritten ? nil : reversal
    }

    /// Whether `recipient` is a rewritten reverse-path of so long ago that no bounce for it is honest.
    func isExpired(_ recipient: ForwardPath, at now: Timestamp) -> Bool {
        guard let srs, case .mailbox(let address) = recipient else { return false }
        return srs.reverse(address, at: now) == .expired
    }

    /// The mailbox that a forward-path means.
    public func address(of path: ForwardPath) -> EmailAddress { path.address ?? postmaster }
}

extension AddressRules: AliasTable {
    public func expansion(of address: EmailAddress) -> [EmailAddress]? {
        if case .address(let original)? = original(of: address) { return [original] }
        guard case .alias(let targets) = directory.finding(for: address) else { return nil }
        return targets
    }

    public func isOutside(_ address: EmailAddress) -> Bool { directory.finding(for: address) == .remote }

    public func isRelayed(_ address: EmailAddress) -> Bool { directory.finding(for: address) == .relayed }
}
