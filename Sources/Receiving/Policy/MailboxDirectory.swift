import MessageFormat

/// Which mailboxes the local domains have.
public protocol MailboxDirectory: Sendable {
    /// Whether mail to `localPart`, in lower case and without a tag, can be delivered in `domain`.
    func hasMailbox(_ localPart: String, in domain: Domain) -> Bool
}

/// Mailboxes as the configuration lists them; a domain without a list takes mail for everybody.
public struct ListedMailboxes: MailboxDirectory {
    private var names: [Domain: Set<String>] = [:]

    /// No list: every address of a local domain is taken.
    public init() {}

    /// Gives `domain` a list; case does not matter.
    public mutating func set(_ localParts: some Sequence<String>, for domain: Domain) {
        names[domain] = Set(localParts.map(\.asciiLowercased))
    }

    public func hasMailbox(_ localPart: String, in domain: Domain) -> Bool {
        names[domain]?.contains(localPart) ?? true
    }
}
