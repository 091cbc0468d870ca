import Crypto
import FoundationEssentials
import Ports
import Sockets
import SwiftASN1
import X509

/// A certificate that Baton makes for itself, so that mail is encrypted from the first minute.
///
/// Nobody can verify it, and hardly any mail server verifies those of others; whoever does finds its
/// key by DANE (RFC 7672 §3.1.1).
public enum SelfSignedCertificate {
    /// How long it is good for: so long that it never ends before it is replaced by a better one.
    public static let validity = Duration.days(3650)
    /// The clocks of peers may be behind by this much.
    private static let clockSlack = Duration.days(1)

    /// Makes a certificate for `name` from a new key of P-256.
    public static func make(for name: String, at now: Timestamp) throws(CertificateError) -> TLSCertificate {
        let key = P256.Signing.PrivateKey()
        do {
            // Names over 64 octets do not fit into a common name, which counts for nothing anyway (RFC 5280 appendix A.1).
            let subject = try DistinguishedName { CommonName(name.utf8.count <= 64 ? name : "Baton") }
            let certificate = try Certificate(
                version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
                notValidBefore: date(now - clockSlack), notValidAfter: date(now + validity),
                issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage([.serverAuth, .clientAuth])
                    SubjectAlternativeNames([.dnsName(name)])
                },
                issuerPrivateKey: .init(key))
            return TLSCertificate(chain: Array((try certificate.serializeAsPEM().pemString + "\n").utf8),
                                  privateKey: Array((key.pemRepresentation + "\n").utf8))
        } catch {
            throw CertificateError("no certificate could be made for \(name): \(error)")
        }
    }

    private static func date(_ moment: Timestamp) -> Date { Date(timeIntervalSince1970: Double(moment.seconds)) }
}

/// Why a certificate could not be made, read or kept.
public struct CertificateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, without any part of a key.
    public let description: String

    /// An error in these words.
    public init(_ description: String) { self.description = description }
}
