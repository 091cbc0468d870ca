import Cryptography
import DNS

/// A certificate association of a TLSA record (RFC 6698 §2.1), as SMTP reads it (RFC 7672 §3.1).
public struct TLSARecord: Hashable, Sendable, CustomStringConvertible {
    /// The certificate usage: 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE.
    public var usage: UInt8
    /// What of the certificate is compared: 0 all of it, 1 its SubjectPublicKeyInfo.
    public var selector: UInt8
    /// How: 0 as it is, 1 SHA-256, 2 SHA-512.
    public var matching: UInt8
    /// What it is compared to.
    public var data: [UInt8]

    /// A record.
    public init(usage: UInt8, selector: UInt8, matching: UInt8, data: [UInt8]) {
        self.usage = usage
        self.selector = selector
        self.matching = matching
        self.data = data
    }

    /// The record of an answer; nil for another type.
    public init?(_ record: DNSRecord) {
        guard case .tlsa(let usage, let selector, let matching, let data) = record else { return nil }
        self.init(usage: usage, selector: selector, matching: matching, data: data)
    }

    /// DANE-TA(2): a trust anchor.
    public static let trustAnchorUsage: UInt8 = 2
    /// DANE-EE(3): the server's own certificate or key.
    public static let endEntityUsage: UInt8 = 3

    /// Whether the record can authenticate an SMTP server: usage 2 or 3, known selector and matching type, data that fits them.
    ///
    /// Usages 0 and 1 cannot (RFC 7672 §3.1.3): there is no set of authorities that all of mail agrees on.
    public var isUsable: Bool {
        guard usage == TLSARecord.trustAnchorUsage || usage == TLSARecord.endEntityUsage else { return false }
        switch (selector, matching) {
        case (0, 0): return X509Certificate(der: data) != nil
        case (1, 0): return X509Certificate.isPublicKey(data)
        case (0, 1), (1, 1): return data.count == HashFunction.sha256.octets
        case (0, 2), (1, 2): return data.count == HashFunction.sha512.octets
        default: return false
        }
    }

    /// Whether the record's data is that of `certificate`, whatever the usage.
    public func matches(_ certificate: X509Certificate) -> Bool {
        let selected: [UInt8]
        switch selector {
        case 0: selected = certificate.der
        case 1: selected = certificate.subjectPublicKeyInfo
        default: return false
        }
        guard !selected.isEmpty else { return false }
        switch matching {
        case 0: return data == selected
        case 1: return data == HashFunction.sha256.hash(selected)
        case 2: return data == HashFunction.sha512.hash(selected)
        default: return false
        }
    }

    /// `3 1 1 ee1477…`: the data is cut, since a record may hold a whole certificate.
    public var description: String { text(octets: 8) + (data.count > 8 ? "…" : "") }

    /// The record in the form of a zone file (RFC 6698 §2.2), as reports quote it; a long one is cut.
    public var text: String { text(octets: 512) }

    private func text(octets: Int) -> String {
        let digits = data.prefix(octets).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return "\(usage) \(selector) \(matching) \(digits)"
    }

    /// The name that holds the records of a host's TCP port (RFC 6698 §3): `_25._tcp.mx.example`.
    public static func name(of host: String, port: UInt16) -> String { "_\(port)._tcp.\(host)" }
}
