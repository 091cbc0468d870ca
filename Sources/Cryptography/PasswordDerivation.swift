import COpenSSL

/// Keys made from passwords, slowly.
public enum PasswordDerivation {
    /// PBKDF2 with HMAC (RFC 8018 §5.2): `octets` octets after `iterations` rounds.
    ///
    /// It is `Hi()` of SCRAM when `octets` is the size of the hash (RFC 5802 §2.2).
    public static func pbkdf2(_ password: [UInt8], salt: [UInt8], iterations: Int, octets: Int,
                              with function: HashFunction) throws(CryptographyError) -> [UInt8] {
        guard let rounds = Int32(exactly: iterations), rounds > 0, (1...maxOctets).contains(octets),
              let saltCount = Int32(exactly: salt.count) else { throw .parameter }
        var status: Int32 = 0
        let key = withPassword(password) { characters, count in
            [UInt8](unsafeUninitializedCapacity: octets) { buffer, initialized in
                status = PKCS5_PBKDF2_HMAC(characters, count, salt, saltCount, rounds, function.method, Int32(octets), buffer.baseAddress)
                initialized = status == 1 ? octets : 0
            }
        }
        guard status == 1 else { throw .libraryRefusal() }
        return key
    }

    /// scrypt (RFC 7914): `octets` octets at the cost of `cost` (N), `blockSize` (r) and `parallelization` (p).
    ///
    /// A cost that would take more than `memoryLimit` octets of memory is refused.
    public static func scrypt(_ password: [UInt8], salt: [UInt8], cost: Int, blockSize: Int, parallelization: Int, octets: Int,
                              memoryLimit: Int = 64 << 20) throws(CryptographyError) -> [UInt8] {
        guard let n = UInt64(exactly: cost), let r = UInt64(exactly: blockSize), let p = UInt64(exactly: parallelization),
              let limit = UInt64(exactly: memoryLimit), r > 0, p > 0, (1...maxOctets).contains(octets) else { throw .parameter }
        var status: Int32 = 0
        let key = withPassword(password) { characters, count in
            [UInt8](unsafeUninitializedCapacity: octets) { buffer, initialized in
                status = EVP_PBE_scrypt(characters, Int(count), salt, salt.count, n, r, p, limit, buffer.baseAddress, octets)
                initialized = status == 1 ? octets : 0
            }
        }
        guard status == 1 else {
            ERR_clear_error()
            throw .parameter
        }
        return key
    }

    private static let maxOctets = 1024

    private static func withPassword<Result>(_ password: [UInt8], _ body: (UnsafePointer<CChar>?, Int32) -> Result) -> Result {
        // libcrypto wants a pointer even for an empty password; 2 GiB of password cannot be.
        let octets = password.isEmpty ? [0] : password
        return octets.withUnsafeBytes { bytes in
            body(bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: password.count))
        }
    }
}
