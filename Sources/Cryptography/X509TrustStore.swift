import COpenSSL
import Ports

/// The authorities that this system trusts, loaded once.
public final class X509TrustStore {
    private let anchors: [X509Certificate]

    /// Authorities of these files (PEM, any number of certificates each); files that cannot be read give none.
    public init(files: [String]) {
        anchors = files.flatMap(X509TrustStore.certificates)
    }

    /// How many authorities there are.
    public var count: Int { anchors.count }

    /// Where Linux systems keep the authorities that they trust; the first of these that exists counts.
    public static let systemFiles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]

    /// The authorities of the system.
    public static func system() -> X509TrustStore {
        for file in systemFiles {
            let store = X509TrustStore(files: [file])
            if store.count > 0 { return store }
        }
        return X509TrustStore(files: [])
    }

    /// Whether `leaf` leads to one of the authorities.
    public func verify(_ leaf: X509Certificate, intermediates: [X509Certificate], at now: Timestamp) -> X509Path.Result {
        X509Path.verify(leaf, intermediates: intermediates, anchors: anchors, at: now)
    }

    private static func certificates(_ path: String) -> [X509Certificate] {
        guard let file = BIO_new_file(path, "re") else {
            ERR_clear_error()
            return []
        }
        defer {
            BIO_free(file)
            ERR_clear_error()
        }
        var certificates: [X509Certificate] = []
        while let handle = PEM_read_bio_X509(file, nil, nil, nil) {
            defer { X509_free(handle) }
            var octets: UnsafeMutablePointer<UInt8>?
            let count = i2d_X509(handle, &octets)
            defer { CRYPTO_free(octets, "", 0) }
            guard count > 0, let octets else { continue }
            if let certificate = X509Certificate(der: Array(UnsafeBufferPointer(start: octets, count: Int(count)))) {
                certificates.append(certificate)
            }
        }
        return certificates
    }
}
