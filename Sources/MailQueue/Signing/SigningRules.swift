import MailAuth
import MessageFormat

/// Whose mail is signed, and with which keys.
///
/// The author's domain decides, not the reverse-path: that is the domain which DMARC asks for (RFC 9989 §4.4.1).
public struct SigningRules: Sendable {
    /// The keys of each signing domain; all of them sign.
    public var keys: [Domain: [DKIMKey]]
    /// What signatures are made of.
    public var signer: DKIMSigner
    /// Listeners whose mail is signed; nil for all.
    public var listeners: Set<String>?
    /// Authors whose mail is left as it is.
    public var unsignedAuthors: Set<EmailAddress>

    /// Rules; without keys nothing is signed.
    public init(keys: [Domain: [DKIMKey]] = [:], signer: DKIMSigner = DKIMSigner(), listeners: Set<String>? = nil,
                unsignedAuthors: Set<EmailAddress> = []) {
        self.keys = keys
        self.signer = signer
        self.listeners = listeners
        self.unsignedAuthors = unsignedAuthors
    }

    /// Whether mail that came in at the listener of this name may be signed at all.
    public func mayApply(toListener name: String) -> Bool { !keys.isEmpty && (listeners?.contains(name) ?? true) }

    /// The keys for mail of `author`: those of the author's own domain, else of the nearest domain above it.
    public func keys(for author: AuthorIdentity) -> [DKIMKey] { keys(for: author.mailbox.address) }

    /// The keys for mail whose author has this address.
    func keys(for author: EmailAddress) -> [DKIMKey] {
        guard !unsignedAuthors.contains(author), let domain = author.domain else { return [] }
        var name = domain.ascii[...]
        while true {
            if let domain = try? Domain(parsing: name), let found = keys[domain] { return found }
            guard let dot = name.firstIndex(of: ".") else { return [] }
            name = name[name.index(after: dot)...]
        }
    }
}
