import COpenSSL

/// A key of libcrypto, freed with its owner; signing and verifying with one key from several threads is allowed.
final class LibraryKey: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes `pointer` over.
    init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { EVP_PKEY_free(pointer) }

    /// The size of the key in bits.
    var bits: Int { Int(EVP_PKEY_get_bits(pointer)) }

    func isOf(_ algorithm: String) -> Bool { EVP_PKEY_is_a(pointer, algorithm) == 1 }

    /// Reads a private key in PEM: PKCS#1, PKCS#8 or SEC 1 (RFC 7468).
    static func privateKey(pem: [UInt8]) throws(CryptographyError) -> LibraryKey {
        let key = withBuffer(pem) { buffer in
            // Without a callback of ours libcrypto would ask for a passphrase at the terminal.
            PEM_read_bio_PrivateKey(buffer, nil, { _, _, _, _ in -1 }, nil)
        }
        guard let key else {
            ERR_clear_error()
            throw isEncrypted(pem) ? .encryptedKey : .malformedKey
        }
        return LibraryKey(owning: key)
    }

    /// Reads a private key in DER: PKCS#1 or PKCS#8.
    static func privateKey(der: [UInt8]) throws(CryptographyError) -> LibraryKey {
        let key = der.withUnsafeBufferPointer { bytes in
            var position = bytes.baseAddress
            return d2i_AutoPrivateKey(nil, &position, bytes.count)
        }
        guard let key else {
            ERR_clear_error()
            throw .malformedKey
        }
        return LibraryKey(owning: key)
    }

    /// The private key in PEM, PKCS#8 (RFC 5208).
    var privatePEM: [UInt8] {
        LibraryKey.written { PEM_write_bio_PKCS8PrivateKey($0, pointer, nil, nil, 0, nil, nil) }
    }

    /// The public key as SubjectPublicKeyInfo in DER (RFC 5280 §4.1).
    var publicDER: [UInt8] { LibraryKey.written { i2d_PUBKEY_bio($0, pointer) } }

    static func generate(_ type: Int32, _ configure: (OpaquePointer) -> Int32) throws(CryptographyError) -> LibraryKey {
        guard let context = EVP_PKEY_CTX_new_id(type, nil) else { throw .libraryRefusal() }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, configure(context) == 1, EVP_PKEY_generate(context, &key) == 1, let key else {
            throw .libraryRefusal()
        }
        return LibraryKey(owning: key)
    }

    private static func withBuffer<Result>(_ bytes: [UInt8], _ body: (OpaquePointer) -> Result?) -> Result? {
        guard let count = Int32(exactly: bytes.count) else { return nil }
        return bytes.withUnsafeBytes { octets in
            guard let buffer = BIO_new_mem_buf(octets.baseAddress, count) else { return nil }
            defer { BIO_free(buffer) }
            return body(buffer)
        }
    }

    private static func written(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
        guard let buffer = BIO_new(BIO_s_mem()) else { preconditionFailure("no memory for a key") }
        defer { BIO_free(buffer) }
        let status = write(buffer)
        precondition(status == 1, "a key that was read can be written")
        let count = BIO_ctrl_pending(buffer)
        return [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
            initialized = max(0, Int(BIO_read(buffer, bytes.baseAddress, Int32(clamping: count))))
        }
    }

    private static func isEncrypted(_ pem: [UInt8]) -> Bool {
        let text = String(decoding: pem.prefix(4096), as: UTF8.self)
        return text.contains("ENCRYPTED")
    }
}

extension CryptographyError {
    /// `refused`, after emptying the list of errors that libcrypto keeps for each thread.
    static func libraryRefusal() -> CryptographyError {
        ERR_clear_error()
        return .refused
    }
}
