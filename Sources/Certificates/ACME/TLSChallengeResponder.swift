import Crypto
import FoundationEssentials
import Ports
import Sockets
import SwiftASN1
import X509

/// Answers TLS-ALPN-01 challenges by certificates (RFC 8737 §3), through the TLS server of a listener.
public final class TLSChallengeResponder: ACMEResponder {
    private let server: NIOTLSServer
    private let clock: () -> Timestamp
    /// id-pe-acmeIdentifier (RFC 8737 §6.1).
    private static let identifier: ASN1ObjectIdentifier = [1, 3, 6, 1, 5, 5, 7, 1, 31]

    /// A responder that has `server` present its certificates.
    public init(_ server: NIOTLSServer, clock: @escaping () -> Timestamp) {
        self.server = server
        self.clock = clock
    }

    public func present(_ challenge: ACMEChallenge, completion: @escaping (ACMEError?) -> Void) {
        do {
            try server.setChallenge(try certificate(for: challenge), for: challenge.name)
            completion(nil)
        } catch { completion(.local("the certificate of the challenge could not be made: \(error)")) }
    }

    public func withdraw(_ challenge: ACMEChallenge) {
        // Taking one away reads no certificate, so nothing can be wrong with it.
        try? server.setChallenge(nil, for: challenge.name)
    }

    private func certificate(for challenge: ACMEChallenge) throws -> TLSCertificate {
        let key = P256.Signing.PrivateKey()
        let subject = try DistinguishedName { CommonName("ACME challenge") }
        let now = Date(timeIntervalSince1970: Double(clock().seconds))
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: now.addingTimeInterval(-86400), notValidAfter: now.addingTimeInterval(86400),
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                SubjectAlternativeNames([.dnsName(challenge.name)])
                Certificate.Extension(oid: TLSChallengeResponder.identifier, critical: true, value: [0x04, 32] + challenge.digest[...])
            },
            issuerPrivateKey: .init(key))
        return TLSCertificate(chain: Array((try certificate.serializeAsPEM().pemString + "\n").utf8),
                              privateKey: Array((key.pemRepresentation + "\n").utf8))
    }
}

/// The handler of a listener that serves TLS-ALPN-01 challenges and nothing else.
public final class TLSChallengeSession: ConnectionHandler {
    private let server: NIOTLSServer
    private var connection: (any Connection)?

    /// A handler that speaks TLS by `server`.
    public init(_ server: NIOTLSServer) { self.server = server }

    public func opened(_ connection: any Connection) {
        self.connection = connection
        connection.startTLS(.server(server), timeout: .seconds(10))
    }

    public func received(_ bytes: UnsafeRawBufferPointer) {}
    public func receivedAll() {}
    public func writable() {}
    // The handshake was all that the ACME server wanted (RFC 8737 §3).
    public func tlsEstablished(_ summary: TLSSummary) { connection?.close() }
    public func closed(_ error: ConnectionError?) { connection = nil }
}
