import MessageFormat

/// What became of one DKIM-Signature of a message.
public struct DKIMResult: Hashable, Sendable {
    /// The result in the words of RFC 8601 §2.7.1.
    public let result: AuthenticationResult
    /// Why it is not a pass.
    public let failure: SignatureFailure?
    /// The signing domain (`d=`), where it could be read.
    public let domain: Domain?
    /// The selector (`s=`), where it could be read.
    public let selector: String?
    /// The algorithm (`a=`), where it could be read.
    public let algorithm: SignatureAlgorithm?
    /// The identity (`i=`), where there is one.
    public let identity: String?
    /// The first eight characters of `b=`, which tell this signature from others of its domain (RFC 6008).
    public let signaturePrefix: String?
    /// Whether the domain only tests its keys: the message is to be treated as if it were not signed (RFC 6376 §3.6.1, `t=y`).
    public let isTesting: Bool

    /// Why it is not a pass, in words; empty for a pass.
    public var reason: String { failure?.rawValue ?? "" }
}
