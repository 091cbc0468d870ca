import Cryptography
import MessageFormat

/// A public key as DNS publishes it (RFC 6376 §3.6.1).
public struct KeyRecord: Hashable, Sendable {
    /// The type of a key (`k=`).
    public enum KeyType: String, Hashable, Sendable {
        /// RSA (RFC 6376 §3.3.1).
        case rsa
        /// Ed25519 (RFC 8463).
        case ed25519
    }

    /// Why a record is not a key.
    public enum Mistake: Error, Hashable, Sendable {
        /// Not a tag list.
        case syntax
        /// The version is not `DKIM1`, or does not come first.
        case version
        /// No `p=`.
        case missingKey
        /// `p=` is not base64.
        case encoding
        /// `k=` names a type that is unknown here.
        case keyType
        /// `p=` is not a key of the type that `k=` names.
        case malformedKey
    }

    /// The type of the key.
    public let keyType: KeyType
    /// The key itself; empty when it was revoked.
    public let key: [UInt8]
    /// The hashes that may be used with it (`h=`), in lower case; nil for all.
    public let hashes: [String]?
    /// The services that it is for (`s=`), in lower case; nil for all.
    public let services: [String]?
    /// The flags (`t=`), in lower case.
    public let flags: [String]

    /// Parses one TXT record.
    public init(parsing text: [UInt8]) throws(Mistake) {
        let tags: TagList
        do { tags = try TagList(parsing: text) } catch { throw .syntax }
        guard !tags.tags.isEmpty else { throw .syntax }
        if let version = tags["v"] {
            guard tags.tags.first?.name == "v", version.elementsEqual("DKIM1".utf8) else { throw .version }
        }
        switch tags["k"].map(KeyRecord.lowercased) {
        case nil, "rsa": keyType = .rsa
        case "ed25519": keyType = .ed25519
        default: throw .keyType
        }
        guard let encoded = tags["p"] else { throw .missingKey }
        guard let key = Base64.decode(encoded, .lenient) else { throw .encoding }
        self.key = key
        hashes = tags.list("h").map { $0.map(KeyRecord.lowercased) }
        services = tags.list("s").map { $0.map(KeyRecord.lowercased) }
        flags = (tags.list("t") ?? []).map(KeyRecord.lowercased)
        if !key.isEmpty, keyType == .ed25519, key.count != 32 { throw .malformedKey }
    }

    /// Whether the key was revoked: an empty `p=`.
    public var isRevoked: Bool { key.isEmpty }
    /// Whether the domain only tests (`t=y`): its mail is to be treated as if it were unsigned.
    public var isTesting: Bool { flags.contains("y") }
    /// Whether `i=` must name the very domain of `d=` (`t=s`).
    public var isStrict: Bool { flags.contains("s") }
    /// Whether the key may sign mail.
    public var isForMail: Bool { services.map { $0.contains("*") || $0.contains("email") } ?? true }

    /// Whether the key may be used with the hash of `algorithm`.
    public func allows(_ algorithm: SignatureAlgorithm) -> Bool { hashes?.contains(algorithm.hashName) ?? true }

    private static func lowercased(_ octets: ArraySlice<UInt8>) -> String {
        String(decoding: octets.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}

/// A key that a signature can be verified with.
public enum PublicKey: Sendable {
    /// An RSA key.
    case rsa(RSAPublicKey)
    /// An Ed25519 key.
    case ed25519(Ed25519PublicKey)

    /// Reads the key of a record that is not revoked.
    public init(_ record: KeyRecord) throws(KeyRecord.Mistake) {
        do throws(CryptographyError) {
            switch record.keyType {
            case .rsa: self = .rsa(try RSAPublicKey(der: record.key))
            case .ed25519: self = .ed25519(try Ed25519PublicKey(octets: record.key))
            }
        } catch {
            throw .malformedKey
        }
    }

    /// Whether `signature` was made by `algorithm` over octets with this `hash`.
    public func isValid(_ signature: [UInt8], ofHash hash: [UInt8], _ algorithm: SignatureAlgorithm) -> Bool {
        switch (self, algorithm) {
        case (.rsa(let key), .rsaSHA1), (.rsa(let key), .rsaSHA256): key.isValid(signature, ofHash: hash, with: algorithm.hashFunction)
        case (.ed25519(let key), .ed25519SHA256): key.isValid(signature, of: hash)
        case (.rsa, .ed25519SHA256), (.ed25519, .rsaSHA1), (.ed25519, .rsaSHA256): false
        }
    }
}
