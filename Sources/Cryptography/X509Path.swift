import COpenSSL
import Ports

/// Whether a certificate leads to one of some anchors (RFC 5280 §6), for a TLS server.
public enum X509Path {
    /// Certificates of a presented chain that are looked at.
    public static let maxCertificates = 10

    /// What came of building a path.
    public enum Result: Hashable, Sendable {
        /// There is one; `depth` is the number of certificates between the leaf and the anchor, the anchor counted.
        case valid(depth: Int)
        /// There is none, for this reason (libcrypto's text).
        case invalid(reason: String, isExpired: Bool)
    }

    /// Builds a path from `leaf` to any of `anchors`, which are trusted as they are, by way of `intermediates`.
    ///
    /// Signatures, validity at `now`, basic constraints, key usage, path length and name constraints are
    /// checked; names are not, and neither is revocation.
    public static func verify(_ leaf: X509Certificate, intermediates: [X509Certificate], anchors: [X509Certificate],
                              at now: Timestamp) -> Result {
        defer { ERR_clear_error() }
        guard let store = X509_STORE_new(), let context = X509_STORE_CTX_new(), let untrusted = OPENSSL_sk_new_null() else {
            return .invalid(reason: "out of memory", isExpired: false)
        }
        defer {
            X509_STORE_CTX_free(context)
            X509_STORE_free(store)
            OPENSSL_sk_free(untrusted)
        }
        for anchor in anchors { X509_STORE_add_cert(store, anchor.handle) }
        for certificate in intermediates.prefix(maxCertificates) {
            OPENSSL_sk_push(untrusted, UnsafeRawPointer(certificate.handle))
        }
        guard X509_STORE_CTX_init(context, store, leaf.handle, untrusted) == 1,
              let parameters = X509_STORE_CTX_get0_param(context) else {
            return .invalid(reason: "libcrypto cannot begin", isExpired: false)
        }
        // An anchor need not be a root: the owner of the name has vouched for it.
        X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST))
        X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER)
        X509_VERIFY_PARAM_set_depth(parameters, Int32(maxCertificates))
        // Level 1 refuses what gives less than 80 bits: SHA-1 and MD5 signatures, RSA below 1024.
        X509_VERIFY_PARAM_set_auth_level(parameters, 1)
        X509_VERIFY_PARAM_set_time(parameters, time_t(now.nanoseconds / 1_000_000_000))
        if X509_verify_cert(context) == 1 {
            let chain = X509_STORE_CTX_get0_chain(context)
            return .valid(depth: max(Int(OPENSSL_sk_num(chain)) - 1, 0))
        }
        let code = X509_STORE_CTX_get_error(context)
        return .invalid(reason: String(cString: X509_verify_cert_error_string(Int(code))),
                        isExpired: code == X509_V_ERR_CERT_HAS_EXPIRED || code == X509_V_ERR_CERT_NOT_YET_VALID)
    }
}
