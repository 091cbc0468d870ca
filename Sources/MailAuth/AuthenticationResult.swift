/// The outcome of one authentication method, in the words of RFC 8601 §2.7.
public enum AuthenticationResult: String, Hashable, Sendable, CaseIterable {
    /// The method did not apply: no record, no signature, no identity.
    case none
    /// The identity is authenticated.
    case pass
    /// The identity is not authenticated, and its owner says that it should be.
    case fail
    /// SPF `~all`: probably not authorised (RFC 7208 §2.6.5).
    case softfail
    /// The owner makes no assertion, or the signature cannot be judged.
    case neutral
    /// The signature or record is acceptable in itself, and local policy refuses it.
    case policy
    /// Something may heal by itself: try again later.
    case temperror
    /// Something cannot be understood and will not heal by itself.
    case permerror
}
