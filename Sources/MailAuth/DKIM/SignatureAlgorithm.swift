import Cryptography

/// The algorithms of `a=` (RFC 6376 §3.3, RFC 8301, RFC 8463).
public enum SignatureAlgorithm: String, Hashable, Sendable, CaseIterable {
    /// RSA with SHA-1, which nobody may use any more (RFC 8301 §3.1).
    case rsaSHA1 = "rsa-sha1"
    /// RSA with SHA-256.
    case rsaSHA256 = "rsa-sha256"
    /// Ed25519 over a SHA-256 hash (RFC 8463 §3).
    case ed25519SHA256 = "ed25519-sha256"

    /// The hash of body and header.
    public var hashFunction: HashFunction { self == .rsaSHA1 ? .sha1 : .sha256 }

    /// The key type as `k=` has it.
    public var keyType: KeyRecord.KeyType { self == .ed25519SHA256 ? .ed25519 : .rsa }

    /// The hash as `h=` of a key record has it.
    var hashName: String { self == .rsaSHA1 ? "sha1" : "sha256" }
}
