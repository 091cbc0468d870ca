import COpenSSL

/// An Ed25519 private key (RFC 8032).
public struct Ed25519PrivateKey: Sendable {
    private let key: LibraryKey
    /// The public half.
    public let publicKey: Ed25519PublicKey

    private init(checking key: LibraryKey) throws(CryptographyError) {
        guard key.isOf("ED25519") else { throw .unsuitableKey }
        self.key = key
        var count = 32
        var status: Int32 = 0
        let octets = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            status = EVP_PKEY_get_raw_public_key(key.pointer, buffer.baseAddress, &count)
            initialized = status == 1 ? count : 0
        }
        guard status == 1 else { throw .libraryRefusal() }
        publicKey = try Ed25519PublicKey(octets: octets)
    }

    /// A key made of a seed of 32 octets (RFC 8032 §5.1.5).
    public init(seed: [UInt8]) throws(CryptographyError) {
        guard seed.count == 32 else { throw .malformedKey }
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else { throw .libraryRefusal() }
        try self.init(checking: LibraryKey(owning: key))
    }

    /// Reads PKCS#8 in PEM (RFC 8410 §7).
    public init(pem: [UInt8]) throws(CryptographyError) { try self.init(checking: try LibraryKey.privateKey(pem: pem)) }

    /// Makes a new key.
    public static func generate() throws(CryptographyError) -> Ed25519PrivateKey {
        try Ed25519PrivateKey(checking: try LibraryKey.generate(EVP_PKEY_ED25519) { _ in 1 })
    }

    /// The key in PEM, PKCS#8; for the file that keeps it, never for output.
    public var pem: [UInt8] { key.privatePEM }

    /// The signature of `message` (PureEdDSA).
    public func sign(_ message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { throw .libraryRefusal() }
        defer { EVP_MD_CTX_free(context) }
        var count = 64
        var status: Int32 = 0
        let signature = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard EVP_DigestSignInit(context, nil, nil, nil, key.pointer) == 1 else { return }
            status = EVP_DigestSign(context, buffer.baseAddress, &count, message, message.count)
            initialized = status == 1 ? count : 0
        }
        guard status == 1 else { throw .libraryRefusal() }
        return signature
    }
}
