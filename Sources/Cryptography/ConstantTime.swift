import COpenSSL

/// Whether two secrets are the same, in a time that depends on their lengths only.
public func areEqualInConstantTime(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    guard one.count == other.count else { return false }
    return CRYPTO_memcmp(one, other, one.count) == 0
}
