import COpenSSL

/// An RSA public key that verifies signatures of PKCS #1 v1.5 (RFC 8017 §8.2).
public struct RSAPublicKey: Sendable {
    let key: LibraryKey

    init(_ key: LibraryKey) { self.key = key }

    /// The largest public exponent in bits: libcrypto bounds it only above 3072 bits of modulus, and a long one makes
    /// verifying as slow as signing, at the choice of whoever publishes the key.
    public static let maxExponentBits = 64

    /// Reads SubjectPublicKeyInfo (RFC 5280 §4.1) or RSAPublicKey (RFC 8017 A.1.1) in DER.
    public init(der: [UInt8]) throws(CryptographyError) {
        // The general decoder (`d2i_PUBKEY`) takes eight times as long as verifying a signature does.
        let read = der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var position = bytes.baseAddress
            if let key = d2i_RSA_PUBKEY(nil, &position, bytes.count) { return key }
            position = bytes.baseAddress
            return d2i_RSAPublicKey(nil, &position, bytes.count)
        }
        guard let read, BN_num_bits(RSA_get0_e(read)) <= RSAPublicKey.maxExponentBits, let key = EVP_PKEY_new() else {
            RSA_free(read)
            ERR_clear_error()
            throw .malformedKey
        }
        ERR_clear_error()
        guard EVP_PKEY_assign(key, EVP_PKEY_RSA, UnsafeMutableRawPointer(read)) == 1 else {
            RSA_free(read)
            EVP_PKEY_free(key)
            throw .libraryRefusal()
        }
        self.key = LibraryKey(owning: key)
    }

    /// The size of the modulus in bits.
    public var bits: Int { key.bits }

    /// The key as SubjectPublicKeyInfo in DER (RFC 5280 §4.1).
    public var der: [UInt8] { key.publicDER }

    /// Whether `signature` is that of a message with this `hash`.
    public func isValid(_ signature: [UInt8], ofHash hash: [UInt8], with function: HashFunction = .sha256) -> Bool {
        guard hash.count == function.octets, let context = EVP_PKEY_CTX_new(key.pointer, nil) else { return false }
        defer { EVP_PKEY_CTX_free(context) }
        let isValid = EVP_PKEY_verify_init(context) == 1
            && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
            && EVP_PKEY_CTX_set_signature_md(context, function.method) == 1
            && EVP_PKEY_verify(context, signature, signature.count, hash, hash.count) == 1
        if !isValid { ERR_clear_error() }
        return isValid
    }
}
