import Cryptography
import MessageFormat

/// What signatures and keys must be like to be believed.
public struct SignatureRequirements: Hashable, Sendable {
    /// The shortest RSA key, in bits (RFC 8301 §3.2).
    public var rsaBitsMin: Int
    /// The longest RSA key, in bits: longer ones cost more than a stranger's mail is worth.
    public var rsaBitsMax: Int
    /// Whether `rsa-sha1` is verified at all; for old test messages alone (RFC 8301 §3.1).
    public var allowsSHA1: Bool
    /// How far a clock may be ahead of ours.
    public var skew: Duration

    /// Requirements other than the standard ones.
    public init(rsaBitsMin: Int = 1024, rsaBitsMax: Int = 4096, allowsSHA1: Bool = false, skew: Duration = .seconds(300)) {
        self.rsaBitsMin = rsaBitsMin
        self.rsaBitsMax = rsaBitsMax
        self.allowsSHA1 = allowsSHA1
        self.skew = skew
    }

    /// RSA of 1024 to 4096 bits, no SHA-1.
    public static let standard = SignatureRequirements()
}

extension DKIMSignature {
    /// What keeps the signature from being looked at any further, before any key is asked for; nil for nothing.
    public func failure(_ requirements: SignatureRequirements) -> SignatureFailure? {
        algorithm == .rsaSHA1 && !requirements.allowsSHA1 ? .obsoleteAlgorithm : nil
    }

    /// What the key record says against the signature (RFC 6376 §6.1.2); nil for nothing.
    public func failure(_ record: KeyRecord) -> SignatureFailure? {
        if record.isRevoked { return .keyRevoked }
        if record.keyType != algorithm.keyType { return .keyType }
        if !record.allows(algorithm) { return .keyHash }
        if !record.isForMail { return .keyService }
        if record.isStrict, identityDomain != domain { return .identity }
        return nil
    }

    /// Whether the signature fits the message: nil if it does.
    ///
    /// `field` is the signature's own field in `header`, `body` the hash that it asked for.
    public func failure(in header: MessageHeader, _ field: HeaderSection.Field, body: BodyHashes.Value, key: PublicKey,
                        _ requirements: SignatureRequirements) -> SignatureFailure? {
        if case .rsa(let key) = key {
            if key.bits < requirements.rsaBitsMin { return .keyTooShort }
            if key.bits > requirements.rsaBitsMax { return .keyTooLong }
        }
        if body.hash != bodyHash { return .bodyHash }
        let input = SignedHeader.octets(signedFields, of: header,
                                        signatureField: SignedHeader.withoutSignature(field, of: header, tags: tags),
                                        headerCanonicalization)
        let hash = algorithm.hashFunction.hash(input)
        return key.isValid(signature, ofHash: hash, algorithm) ? nil : .signature
    }
}
