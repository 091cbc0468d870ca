import COpenSSL

/// An RSA private key that signs by PKCS #1 v1.5 (RFC 8017 §8.2).
public struct RSAPrivateKey: Sendable {
    private let key: LibraryKey

    private init(checking key: LibraryKey) throws(CryptographyError) {
        guard key.isOf("RSA") else { throw .unsuitableKey }
        self.key = key
        // A damaged key makes signatures that give the key away, or that nobody can verify.
        let hash = [UInt8](repeating: 0x5a, count: HashFunction.sha256.octets)
        guard let signature = try? sign(hash: hash), publicKey.isValid(signature, ofHash: hash) else { throw .unsuitableKey }
    }

    /// Reads PKCS#1 or PKCS#8 in PEM.
    public init(pem: [UInt8]) throws(CryptographyError) { try self.init(checking: try LibraryKey.privateKey(pem: pem)) }

    /// Reads PKCS#1 or PKCS#8 in DER.
    public init(der: [UInt8]) throws(CryptographyError) { try self.init(checking: try LibraryKey.privateKey(der: der)) }

    /// Makes a new key of 1024 to 4096 `bits`.
    public static func generate(bits: Int) throws(CryptographyError) -> RSAPrivateKey {
        guard (1024...4096).contains(bits) else { throw .parameter }
        let key = try LibraryKey.generate(EVP_PKEY_RSA) { EVP_PKEY_CTX_set_rsa_keygen_bits($0, Int32(bits)) }
        return try RSAPrivateKey(checking: key)
    }

    /// The size of the modulus in bits.
    public var bits: Int { key.bits }

    /// The public half.
    public var publicKey: RSAPublicKey { RSAPublicKey(key) }

    /// The key in PEM, PKCS#8; for the file that keeps it, never for output.
    public var pem: [UInt8] { key.privatePEM }

    /// The signature of a message with this `hash`.
    ///
    /// It takes a fraction of a millisecond: call it where nobody waits.
    public func sign(hash: [UInt8], with function: HashFunction = .sha256) throws(CryptographyError) -> [UInt8] {
        guard hash.count == function.octets else { throw .parameter }
        guard let context = EVP_PKEY_CTX_new(key.pointer, nil) else { throw .libraryRefusal() }
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_sign_init(context) == 1, EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1,
              EVP_PKEY_CTX_set_signature_md(context, function.method) == 1 else { throw .libraryRefusal() }
        var count = Int(EVP_PKEY_get_size(key.pointer))
        var status: Int32 = 0
        let signature = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            status = EVP_PKEY_sign(context, buffer.baseAddress, &count, hash, hash.count)
            initialized = status == 1 ? count : 0
        }
        guard status == 1 else { throw .libraryRefusal() }
        return signature
    }
}
