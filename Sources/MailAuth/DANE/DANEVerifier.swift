import Cryptography
import Ports

/// Judges a server's certificate chain by TLSA records that DNSSEC has proven (RFC 6698, RFC 7671, RFC 7672).
public struct DANEVerifier: Hashable, Sendable {
    /// Records of one host that are looked at.
    public static let maxRecords = 32

    /// Names of a certificate that are told where it has none that is wanted.
    private static let maxPresentedNames = 4

    /// What came of it.
    public enum Verdict: Hashable, Sendable {
        /// The record at the chain's `depth` proves the server; 0 is its own certificate.
        case authenticated(TLSARecord, depth: Int)
        /// No record does.
        case refused(Refusal)
    }

    /// Why no record proves the server.
    public enum Refusal: Hashable, Sendable, CustomStringConvertible {
        /// None of the records can be used: TLS is still required, without authentication (RFC 7672 §2.2).
        case noUsableRecord
        /// The server presented nothing that can be parsed.
        case malformedChain
        /// No certificate of the chain matches, and none leads to one that does.
        case noMatch
        /// A trust anchor matches, and the chain to it is not valid.
        case invalidChain(reason: String, isExpired: Bool)
        /// A trust anchor matches, and the certificate is for other names, of which a few are told (RFC 7672 §3.2.2).
        case wrongName(presented: [String])

        /// For people.
        public var description: String {
            switch self {
            case .noUsableRecord: "no TLSA record is usable"
            case .malformedChain: "the server's certificate cannot be read"
            case .noMatch: "no certificate of the server matches the TLSA records"
            case .invalidChain(let reason, _): "the certificate does not lead to the trust anchor of the TLSA records: \(reason)"
            case .wrongName(let names): "the certificate is for other names: \(names.joined(separator: ", "))"
            }
        }
    }

    /// The usable records, by which the chain is judged.
    public let records: [TLSARecord]

    /// A verifier of these records; those that are not usable, or weaker than another of their kind, are left out.
    public init(records: [TLSARecord]) {
        self.records = DANEVerifier.strongest(records.prefix(DANEVerifier.maxRecords).filter(\.isUsable))
    }

    /// Whether any record can authenticate a server.
    public var isUsable: Bool { !records.isEmpty }

    /// Judges `chain`, certificates in DER with the server's own first, for a host of these names at this moment.
    ///
    /// For DANE-EE the certificate's names, dates and issuer mean nothing (RFC 7672 §3.1.1); for DANE-TA all are checked.
    public func verify(chain: [[UInt8]], referenceNames: [String], at now: Timestamp) -> Verdict {
        guard isUsable else { return .refused(.noUsableRecord) }
        guard let first = chain.first, let leaf = X509Certificate(der: first) else { return .refused(.malformedChain) }
        for record in records where record.usage == TLSARecord.endEntityUsage && record.matches(leaf) {
            return .authenticated(record, depth: 0)
        }
        let anchored = records.filter { $0.usage == TLSARecord.trustAnchorUsage }
        guard !anchored.isEmpty else { return .refused(.noMatch) }
        let intermediates = chain.dropFirst().prefix(X509Path.maxCertificates - 1).compactMap { X509Certificate(der: $0) }
        return verify(leaf, intermediates, by: anchored, referenceNames, now)
    }

    private func verify(_ leaf: X509Certificate, _ intermediates: [X509Certificate], by records: [TLSARecord],
                        _ referenceNames: [String], _ now: Timestamp) -> Verdict {
        var refusal: Refusal?
        for record in records {
            let anchors = DANEVerifier.anchors(of: record, leaf, intermediates)
            guard !anchors.isEmpty else { continue }
            switch X509Path.verify(leaf, intermediates: intermediates, anchors: anchors, at: now) {
            case .valid(let depth):
                if referenceNames.contains(where: leaf.isFor(hostName:)) { return .authenticated(record, depth: depth) }
                refusal = .wrongName(presented: Array(leaf.dnsNames.prefix(DANEVerifier.maxPresentedNames)))
            case .invalid(let reason, let isExpired):
                // An anchor that came with the record, and has nothing to do with the chain, is no match.
                if anchors.contains(where: { anchor in intermediates.contains { $0.der == anchor.der } }) || isExpired {
                    refusal = refusal ?? .invalidChain(reason: reason, isExpired: isExpired)
                }
            }
        }
        return .refused(refusal ?? .noMatch)
    }

    /// The certificates that `record` makes trust anchors: those of the chain that match it, the one that it holds,
    /// and those that the bare key it holds has signed (RFC 7671 §5.2).
    ///
    /// The leaf itself is never its own authority, but a bare key may have signed it.
    private static func anchors(of record: TLSARecord, _ leaf: X509Certificate, _ intermediates: [X509Certificate]) -> [X509Certificate] {
        var anchors = intermediates.filter(record.matches)
        guard record.matching == 0 else { return anchors }
        if record.selector == 0 {
            if let held = X509Certificate(der: record.data) { anchors.append(held) }
        } else {
            anchors += ([leaf] + intermediates).filter { $0.isSigned(byKey: record.data) }
        }
        return anchors
    }

    /// Of the digests for one usage and selector only the strongest kind counts (RFC 7671 §9).
    private static func strongest(_ records: [TLSARecord]) -> [TLSARecord] {
        records.filter { record in
            record.matching != 1
                || !records.contains { $0.usage == record.usage && $0.selector == record.selector && $0.matching == 2 }
        }
    }
}
