import COpenSSL

/// An Ed25519 public key (RFC 8032).
public struct Ed25519PublicKey: Hashable, Sendable {
    private let key: LibraryKey
    /// The 32 octets of the key (RFC 8032 §5.1.5).
    public let octets: [UInt8]

    /// A key of 32 octets.
    public init(octets: [UInt8]) throws(CryptographyError) {
        guard octets.count == 32 else { throw .malformedKey }
        guard let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, octets, octets.count) else {
            ERR_clear_error()
            throw .malformedKey
        }
        self.key = LibraryKey(owning: key)
        self.octets = octets
    }

    /// Whether `signature` is that of `message` (PureEdDSA).
    public func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        let isValid = EVP_DigestVerifyInit(context, nil, nil, nil, key.pointer) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
        if !isValid { ERR_clear_error() }
        return isValid
    }

    public static func == (left: Ed25519PublicKey, right: Ed25519PublicKey) -> Bool { left.octets == right.octets }

    public func hash(into hasher: inout Hasher) { hasher.combine(octets) }
}
