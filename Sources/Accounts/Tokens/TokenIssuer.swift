/// Who issues tokens that stand for accounts, and how they are told to be genuine.
public struct TokenIssuer: Hashable, Sendable {
    /// Where the keys of an issuer come from.
    public enum Keys: Hashable, Sendable {
        /// A file with a JWK set (RFC 7517 §5), read again when it changes.
        case file(String)
        /// An `https` URL with a JWK set, fetched again from time to time.
        case url(String)
    }

    /// The `iss` that its tokens must have (RFC 7519 §4.1.1).
    public var issuer: String
    /// The `aud` that its tokens must have (RFC 7519 §4.1.3).
    public var audience: String
    /// Where its keys come from.
    public var keys: Keys
    /// The claim that names the account; `sub`, `email` or `preferred_username`.
    public var nameClaim: NameClaim
    /// The scope that a token must have; nil for any.
    public var scope: String?

    /// Whether the host of its keys may have a private, loopback or other reserved address.
    public var allowsPrivateAddresses = false

    /// The claims that can name an account.
    public enum NameClaim: String, Hashable, Sendable, CaseIterable {
        /// `sub` (RFC 7519 §4.1.2).
        case subject = "sub"
        /// `email`, if the token does not call it unverified.
        case email
        /// `preferred_username`.
        case preferredUsername = "preferred_username"
    }

    /// An issuer.
    public init(issuer: String, audience: String, keys: Keys, nameClaim: NameClaim = .email, scope: String? = nil) {
        self.issuer = issuer
        self.audience = audience
        self.keys = keys
        self.nameClaim = nameClaim
        self.scope = scope
    }
}
