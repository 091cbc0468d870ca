import Cryptography
import Ports

/// Judges a server's certificate as MTA-STS asks for it (RFC 8461 §4.2): a trusted authority, its dates, its names.
///
/// The connection itself is checked by the TLS library; this is for policies that are tested, where a
/// connection goes on whatever the certificate is. Confined to one loop.
public final class PKIXVerifier {
    private let store: X509TrustStore

    /// A verifier that trusts the authorities in `files` (PEM); with no files those of the system.
    public init(trustedCertificateFiles files: [String] = []) {
        store = files.isEmpty ? .system() : X509TrustStore(files: files)
    }

    /// What is wrong with `chain`, certificates in DER with the server's own first, for `host`; nil when nothing is.
    public func problem(with chain: [[UInt8]], host: String, at now: Timestamp) -> TLSReport.ResultType? {
        guard let first = chain.first, let leaf = X509Certificate(der: first) else { return .validationFailure }
        let intermediates = chain.dropFirst().prefix(X509Path.maxCertificates - 1).compactMap { X509Certificate(der: $0) }
        switch store.verify(leaf, intermediates: intermediates, at: now) {
        case .invalid(_, isExpired: true): return .certificateExpired
        case .invalid: return .certificateNotTrusted
        case .valid: return leaf.isFor(hostName: host) ? nil : .certificateHostMismatch
        }
    }
}
