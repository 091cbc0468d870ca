import Cryptography
import MessageFormat

/// A private key that signs mail (RFC 6376 §3.3, RFC 8463).
///
/// Its description tells the type and nothing of the key.
public enum SigningKey: Sendable, CustomStringConvertible {
    /// An RSA key.
    case rsa(RSAPrivateKey)
    /// An Ed25519 key.
    case ed25519(Ed25519PrivateKey)

    /// Reads a key in PEM, of either kind; RSA keys that verifiers refuse are not taken (RFC 8301 §3.2).
    public init(pem: [UInt8]) throws(CryptographyError) {
        if let key = try? Ed25519PrivateKey(pem: pem) {
            self = .ed25519(key)
            return
        }
        let key = try RSAPrivateKey(pem: pem)
        guard (1024...4096).contains(key.bits) else { throw .parameter }
        self = .rsa(key)
    }

    /// What the key signs by.
    public var algorithm: SignatureAlgorithm {
        switch self {
        case .rsa: .rsaSHA256
        case .ed25519: .ed25519SHA256
        }
    }

    /// The public half as `p=` has it: SubjectPublicKeyInfo of RSA, the bare octets of Ed25519.
    public var publicOctets: [UInt8] {
        switch self {
        case .rsa(let key): key.publicKey.der
        case .ed25519(let key): key.publicKey.octets
        }
    }

    /// Octets of a signature.
    public var signatureOctets: Int {
        switch self {
        case .rsa(let key): (key.bits + 7) / 8
        case .ed25519: 64
        }
    }

    /// `RSA 2048` or `Ed25519`.
    public var description: String {
        switch self {
        case .rsa(let key): "RSA \(key.bits)"
        case .ed25519: "Ed25519"
        }
    }

    /// The signature over octets with this SHA-256 `hash`; takes a while for RSA.
    public func sign(hash: [UInt8]) throws(CryptographyError) -> [UInt8] {
        switch self {
        case .rsa(let key): try key.sign(hash: hash)
        case .ed25519(let key): try key.sign(hash)
        }
    }
}

extension KeyRecord {
    /// The text of the TXT record that publishes the public half of `key`.
    public static func text(of key: SigningKey) -> String {
        let encoded = String(decoding: Base64.encode(key.publicOctets), as: UTF8.self)
        return "v=DKIM1; k=\(key.algorithm.keyType.rawValue); h=sha256; p=\(encoded)"
    }
}
