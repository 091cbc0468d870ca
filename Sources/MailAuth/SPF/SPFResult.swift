import Ports

/// What an SPF check found (RFC 7208 §2.6).
public struct SPFResult: Hashable, Sendable {
    /// Whose domain was checked (RFC 7208 §2.3, §2.4).
    public enum Identity: String, Hashable, Sendable {
        /// The argument of HELO or EHLO.
        case helo
        /// The domain of the reverse-path.
        case mailFrom = "mailfrom"
    }

    /// The result.
    public var result: AuthenticationResult
    /// Whose domain was checked.
    public var identity: Identity
    /// The domain that was checked, as DNS text.
    public var domain: String
    /// What the domain's owner tells those who fail: not to be trusted, ASCII without controls.
    public var explanation: String?
    /// Why, for people.
    public var reason: String
    /// The directive that matched, as it is written in the record.
    public var mechanism: String?
    /// How many terms asked DNS; RFC 7208 §4.6.4 allows 10.
    public var lookups: Int

    /// A result and how it came about.
    public init(_ result: AuthenticationResult, identity: Identity, domain: String, explanation: String? = nil, reason: String,
                mechanism: String? = nil, lookups: Int = 0) {
        self.result = result
        self.identity = identity
        self.domain = domain
        self.explanation = explanation
        self.reason = reason
        self.mechanism = mechanism
        self.lookups = lookups
    }
}
