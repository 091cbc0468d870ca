import NIOSSL

/// A DNS name in a certificate, perhaps with a wildcard for its first label (RFC 9525 §6.3).
public struct CertificateName: Hashable, Sendable, CustomStringConvertible {
    /// The name in lower case.
    public let description: String
    /// What follows `*.`; nil for a name without wildcard.
    private let parent: String?

    /// Names of a certificate that are looked at; one with more is for a web farm.
    static let maxNames = 200

    /// A name of a certificate; nil when it is none, or has its wildcard elsewhere than for the whole first label.
    public init?(_ text: String) {
        let text = text.lowercased()
        let name = text.hasPrefix("*.") ? text.dropFirst(2) : text[...]
        guard (1...253).contains(name.utf8.count), name.utf8.allSatisfy({ CertificateName.isAllowed($0) }) else { return nil }
        description = text
        parent = text.hasPrefix("*.") ? String(name) : nil
        // A wildcard for a whole top-level domain is nobody's.
        if let parent, !parent.contains(".") { return nil }
    }

    private static func isAllowed(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
             UInt8(ascii: "."): true
        default: false
        }
    }

    /// Whether the certificate is for `name`, which must be in lower case.
    public func matches(_ name: String) -> Bool {
        guard let parent else { return name == description }
        guard let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")), dot > name.startIndex else { return false }
        return name[name.index(after: dot)...] == parent
    }

    /// The DNS names in the subject alternative names of a certificate; the common name counts for nothing (RFC 9525 §2).
    static func all(in certificate: NIOSSLCertificate) -> [CertificateName] {
        certificate._subjectAlternativeNames().prefix(maxNames).compactMap { name in
            guard name.nameType == .dnsName else { return nil }
            let bytes = name.contents.withUnsafeBufferPointer { Array($0.prefix(256)) }
            return CertificateName(String(decoding: bytes, as: UTF8.self))
        }
    }
}
