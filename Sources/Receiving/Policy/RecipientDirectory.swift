import MessageFormat

/// Knows who the recipients are and what aliases stand for, as the configuration has it.
public protocol RecipientDirectory: Sendable {
    /// What is known of `address`: one step, chains of aliases are not followed.
    ///
    /// An alias among whose targets is `address` itself is a mailbox whose mail others get too.
    func finding(for address: EmailAddress) -> RecipientFinding
}

/// What a directory knows of a recipient.
public enum RecipientFinding: Hashable, Sendable {
    /// It has a mailbox here.
    case mailbox
    /// It stands for these addresses.
    case alias([EmailAddress])
    /// Its domain is local and has no such recipient.
    case unknown
    /// Its domain is relayed for everybody.
    case relayed
    /// It is elsewhere.
    case remote
}

/// The directory of a host without domains of its own: everybody is elsewhere.
public struct NoRecipients: RecipientDirectory {
    /// The empty directory.
    public init() {}
    public func finding(for address: EmailAddress) -> RecipientFinding { .remote }
}
