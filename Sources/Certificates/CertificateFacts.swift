import FoundationEssentials
import Ports
import Sockets
import SwiftASN1
import X509

/// What a certificate says of itself.
public struct CertificateFacts: Hashable, Sendable {
    /// The DNS names that it is for.
    public let names: [String]
    /// When it ends.
    public let expiry: Timestamp

    /// Reads the first certificate of a chain in PEM; nil when there is none.
    public init?(chain: [UInt8]) {
        guard let text = String(validating: chain, as: UTF8.self), let first = try? PEMDocument.parseMultiple(pemString: text).first,
              let certificate = try? Certificate(pemDocument: first),
              let seconds = Int64(exactly: certificate.notValidAfter.timeIntervalSince1970.rounded()) else { return nil }
        expiry = Timestamp(seconds: seconds)
        let alternatives = try? certificate.extensions.subjectAlternativeNames
        names = (alternatives ?? SubjectAlternativeNames([])).compactMap { name in
            if case .dnsName(let text) = name { text.lowercased() } else { nil }
        }
    }
}
