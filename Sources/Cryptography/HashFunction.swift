import COpenSSL

/// A cryptographic hash function (RFC 6234).
public enum HashFunction: Hashable, Sendable, CaseIterable {
    /// SHA-1: for protocols that are bound to it; it no longer resists collisions.
    case sha1
    /// SHA-256.
    case sha256
    /// SHA-512.
    case sha512

    /// How many octets a hash has.
    public var octets: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha512: 64
        }
    }

    /// The hash of `bytes`.
    public func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let stream = HashStream(self)
        stream.update(bytes)
        return stream.finish()
    }

    /// The hash of `bytes`.
    public func hash(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { hash($0) } }

    /// The hash of `bytes`.
    public func hash(_ bytes: ArraySlice<UInt8>) -> [UInt8] { bytes.withUnsafeBytes { hash($0) } }

    /// The hash of the UTF-8 octets of `text`.
    public func hash(_ text: some StringProtocol) -> [UInt8] { hash(Array(text.utf8)) }

    /// libcrypto's description of the function, which lives as long as the process.
    var method: OpaquePointer {
        let method = switch self {
        case .sha1: EVP_sha1()
        case .sha256: EVP_sha256()
        case .sha512: EVP_sha512()
        }
        guard let method else { preconditionFailure("libcrypto has no SHA") }
        return method
    }
}
