import MessageFormat

/// What DMARC says of one message (RFC 9989 §5).
public struct DMARCResult: Hashable, Sendable {
    /// A method whose authenticated domain aligns with the Author Domain.
    public enum Method: String, Hashable, Sendable, CaseIterable {
        /// DKIM (RFC 6376).
        case dkim
        /// SPF (RFC 7208).
        case spf
    }

    /// `none`, `pass`, `fail`, `temperror` or `permerror`.
    public var result: AuthenticationResult
    /// The policy that the Domain Owner publishes for the Author Domain; nil where there is none.
    public var policy: DMARCRecord.Policy?
    /// What the Domain Owner asks to be done with this message; nil where DMARC does not apply.
    public var disposition: DMARCRecord.Policy?
    /// The Author Domain; nil where the message has no single author.
    public var domain: Domain?
    /// The Organizational Domain of the Author Domain, as far as it is known.
    public var organizationalDomain: String?
    /// The domain whose record applies.
    public var policyDomain: String?
    /// The methods that passed and align.
    public var alignedBy: Set<Method> = []
    /// The record that applies.
    public var record: DMARCRecord?
    /// Why, for people.
    public var reason: String

    /// A result without a policy.
    public init(_ result: AuthenticationResult, domain: Domain?, reason: String) {
        self.result = result
        self.domain = domain
        self.reason = reason
    }
}

/// The domains that other methods have authenticated: what DMARC builds upon.
public struct AuthenticatedDomains: Hashable, Sendable {
    /// The domain of SPF's MAIL FROM identity when that passed; the HELO name for a null reverse-path.
    public var spf: String?
    /// The `d=` domains of valid DKIM signatures.
    public var dkim: [String]
    /// Whether SPF ended in a temporary error.
    public var spfFailedTemporarily = false
    /// The `d=` domains whose signatures could not be verified for now.
    public var dkimFailedTemporarily: [String] = []

    /// What passed.
    public init(spf: String? = nil, dkim: [String] = []) {
        self.spf = spf
        self.dkim = dkim
    }
}
