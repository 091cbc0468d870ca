import COpenSSL
import Ports

/// An X.509 certificate (RFC 5280) as a peer presents it; parsing and signatures are libcrypto's.
public final class X509Certificate {
    /// The largest certificate that is taken.
    public static let maxOctets = 64 * 1024

    /// The certificate as it was given.
    public let der: [UInt8]
    let handle: OpaquePointer

    /// Parses one certificate; nil when it is none, or when anything follows it.
    public init?(der: [UInt8]) {
        guard !der.isEmpty, der.count <= X509Certificate.maxOctets else { return nil }
        let handle: OpaquePointer? = der.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            guard let parsed = d2i_X509(nil, &position, buffer.count) else { return nil }
            guard position == buffer.baseAddress.map({ $0 + buffer.count }) else {
                X509_free(parsed)
                return nil
            }
            return parsed
        }
        ERR_clear_error()
        guard let handle else { return nil }
        self.handle = handle
        self.der = der
    }

    deinit { X509_free(handle) }

    /// The subject's public key as a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), the octets of the certificate; empty when unreadable.
    public var subjectPublicKeyInfo: [UInt8] {
        var octets: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(handle), &octets)
        defer { CRYPTO_free(octets, "", 0) }
        guard count > 0, let octets else { return [] }
        return Array(UnsafeBufferPointer(start: octets, count: Int(count)))
    }

    /// The moments between which the certificate is valid; nil when they cannot be read or are in the wrong order.
    public var validity: ClosedRange<Timestamp>? {
        guard let begin = X509Certificate.timestamp(X509_get0_notBefore(handle)),
              let end = X509Certificate.timestamp(X509_get0_notAfter(handle)), begin <= end else { return nil }
        return begin...end
    }

    /// The DNS names of the subject alternative name, lower case, in their order (RFC 5280 §4.2.1.6).
    ///
    /// Names that hold anything but printable ASCII are left out: they are no host names, and a NUL may be there to deceive.
    public var dnsNames: [String] {
        guard let extensionValue = X509_get_ext_d2i(handle, NID_subject_alt_name, nil, nil) else { return [] }
        let names = OpaquePointer(extensionValue)
        defer { GENERAL_NAMES_free(names) }
        var result: [String] = []
        for index in 0..<max(OPENSSL_sk_num(names), 0) {
            guard let item = OPENSSL_sk_value(names, index)?.assumingMemoryBound(to: GENERAL_NAME.self) else { continue }
            var type: Int32 = 0
            guard let value = GENERAL_NAME_get0_value(item, &type), type == GEN_DNS else { continue }
            let string = value.assumingMemoryBound(to: ASN1_STRING.self)
            let octets = UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: max(Int(ASN1_STRING_length(string)), 0))
            guard !octets.isEmpty, octets.count <= 255, octets.allSatisfy({ (0x21...0x7e).contains($0) }) else { continue }
            result.append(String(decoding: octets, as: UTF8.self).lowercased())
        }
        return result
    }

    /// Whether the certificate is one for `hostName`: by its DNS names, by its common name only when it has none (RFC 6125, RFC 7672 §3.2.3).
    ///
    /// A wildcard stands for one whole label, the first.
    public func isFor(hostName: String) -> Bool {
        // A name that begins with a dot would match every host below it.
        guard !hostName.isEmpty, !hostName.hasPrefix("."), hostName.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return false }
        let flags = UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
        let matches = hostName.withCString { X509_check_host(handle, $0, hostName.utf8.count, flags, nil) }
        ERR_clear_error()
        return matches == 1
    }

    /// Whether `issuer` signed this certificate and was allowed to by its own extensions.
    public func isIssued(by issuer: X509Certificate) -> Bool {
        defer { ERR_clear_error() }
        guard X509_check_issued(issuer.handle, handle) == X509_V_OK, let key = X509_get0_pubkey(issuer.handle) else { return false }
        return X509_verify(handle, key) == 1
    }

    /// Whether the key of this SubjectPublicKeyInfo signed the certificate.
    public func isSigned(byKey subjectPublicKeyInfo: [UInt8]) -> Bool {
        defer { ERR_clear_error() }
        let key: OpaquePointer? = subjectPublicKeyInfo.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            return d2i_PUBKEY(nil, &position, buffer.count)
        }
        guard let key else { return false }
        defer { EVP_PKEY_free(key) }
        return X509_verify(handle, key) == 1
    }

    /// Whether these octets are a SubjectPublicKeyInfo with a key that can be used.
    public static func isPublicKey(_ subjectPublicKeyInfo: [UInt8]) -> Bool {
        defer { ERR_clear_error() }
        return subjectPublicKeyInfo.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            guard buffer.count <= maxOctets, let key = d2i_PUBKEY(nil, &position, buffer.count) else { return false }
            EVP_PKEY_free(key)
            return position == buffer.baseAddress.map { $0 + buffer.count }
        }
    }

    /// The subject's distinguished name for people: printable, at most 200 octets.
    public var subject: String { X509Certificate.text(X509_get_subject_name(handle)) }

    /// The issuer's distinguished name for people: printable, at most 200 octets.
    public var issuer: String { X509Certificate.text(X509_get_issuer_name(handle)) }

    private static func text(_ name: OpaquePointer?) -> String {
        var buffer = [CChar](repeating: 0, count: 201)
        // What is not printable comes out as \xNN.
        guard X509_NAME_oneline(name, &buffer, 201) != nil else { return "" }
        ERR_clear_error()
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func timestamp(_ time: UnsafePointer<ASN1_TIME>?) -> Timestamp? {
        var parts = tm()
        guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Timestamp(seconds: Int64(timegm(&parts)))
    }
}
