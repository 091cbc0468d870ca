import Ports
import SMTP

/// Somebody who may submit mail.
public struct Account: Hashable, Sendable {
    /// The name that clients authenticate with.
    public var name: AccountName
    /// The addresses that it may send from; nil for the one that it is named by.
    public var senders: SenderPatterns?
    /// Whether nobody can authenticate as it for now.
    public var isDisabled = false
    /// When it was made.
    public var created: Timestamp
    /// When somebody last authenticated as it, to the hour; nil when nobody did.
    public var lastUsed: Timestamp?
    /// Its app passwords.
    public var appPasswords: [AppPassword] = []

    /// An account that is new.
    public init(name: AccountName, senders: SenderPatterns? = nil, created: Timestamp) {
        self.name = name
        self.senders = senders
        self.created = created
    }

    /// The addresses that it may send from.
    public var allowedSenders: SenderPatterns { senders ?? SenderPatterns(accountNamed: name.description) }
}

/// A password for one program of an account's owner: made by Baton, told once, good for less than the account's own.
public struct AppPassword: Hashable, Sendable {
    /// What an app password is good for.
    public enum Scope: String, Hashable, Sendable, CaseIterable {
        /// Submitting mail by SMTP.
        case smtp
        /// Calling the programming interface.
        case api
    }

    /// What its owner calls it; one of its kind in an account.
    public var label: String
    /// What it is good for.
    public var scopes: Set<Scope>
    /// When it was made.
    public var created: Timestamp
    /// When it ends; nil for never.
    public var expires: Timestamp?
    /// When it was last used, to the hour; nil when it was not.
    public var lastUsed: Timestamp?

    /// An app password that is new.
    public init(label: String, scopes: Set<Scope>, created: Timestamp, expires: Timestamp? = nil) {
        self.label = label
        self.scopes = scopes
        self.created = created
        self.expires = expires
    }
}
