import NIOCore
import NIOSSL
import Ports
import Synchronization

/// The certificates and rules of one listener, chosen for each client by its hello.
///
/// Each certificate has a context of its own, made for this listener alone: session tickets are sealed
/// with keys of the context, so that one that was got at another listener opens nothing here. A reload
/// replaces the contexts; connections keep those they began with.
public final class NIOTLSServer: TLSServerContext {
    /// What a client's hello leads to.
    enum Choice {
        case context(NIOSSLContext)
        case alert(TLSAlert)
    }

    private struct State: Sendable {
        var settings: TLSServerSettings
        var identities: [TLSIdentity]
        var challenges: [String: NIOSSLContext] = [:]
    }
    private let state: Mutex<State>

    /// The application protocol of ACME's challenge (RFC 8737 §3).
    private static let acmeProtocol = Array("acme-tls/1".utf8)

    /// Reads the certificates and keys; throws where they cannot be used.
    public init(_ settings: TLSServerSettings) throws(TLSSetupError) {
        state = Mutex(State(settings: settings, identities: try NIOTLSServer.identities(settings)))
    }

    /// Puts other certificates and rules in force for connections to come; where nothing is new, tickets stay good.
    public func update(_ settings: TLSServerSettings) throws(TLSSetupError) {
        guard state.withLock({ $0.settings }) != settings else { return }
        let identities = try NIOTLSServer.identities(settings)
        state.withLock { state in
            state.settings = settings
            state.identities = identities
        }
    }

    /// What is in force.
    public var settings: TLSServerSettings { state.withLock { $0.settings } }

    /// Answers ACME's TLS-ALPN-01 challenge for `name` with this certificate (RFC 8737 §3); nil ends that.
    public func setChallenge(_ certificate: TLSCertificate?, for name: String) throws(TLSSetupError) {
        let context: NIOSSLContext?
        if let certificate {
            var settings = TLSServerSettings(certificates: [certificate])
            settings.applicationProtocols = [String(decoding: NIOTLSServer.acmeProtocol, as: UTF8.self)]
            context = try NIOTLSServer.identities(settings).first?.context
        } else {
            context = nil
        }
        state.withLock { $0.challenges[name] = context }
    }

    private static func identities(_ settings: TLSServerSettings) throws(TLSSetupError) -> [TLSIdentity] {
        guard !settings.certificates.isEmpty else { throw TLSSetupError("no certificate") }
        var identities: [TLSIdentity] = []
        for certificate in settings.certificates { identities.append(try TLSIdentity(certificate, settings)) }
        return identities
    }

    /// Finds the context for a client, or why there is none.
    func choose(_ hello: ClientHello) -> Choice {
        let (identities, settings, challenges) = state.withLock { ($0.identities, $0.settings, $0.challenges) }
        var name: String?
        switch hello.serverName {
        case .malformed: return .alert(.unrecognizedName)
        case .name(let asked): name = asked
        case .absent: break
        }
        if hello.applicationProtocols == [NIOTLSServer.acmeProtocol] {
            guard let name, let context = challenges[name] else { return .alert(.noApplicationProtocol) }
            return .context(context)
        }
        if !hello.applicationProtocols.isEmpty,
           !settings.applicationProtocols.contains(where: { hello.applicationProtocols.contains(Array($0.utf8)) }) {
            return .alert(.noApplicationProtocol)
        }
        var candidates = name.map { name in identities.filter { $0.names.contains { $0.matches(name) } } } ?? []
        if candidates.isEmpty, let first = identities.first {
            candidates = identities.filter { $0.names == first.names || $0 === first }
        }
        let usable = candidates.filter { $0.isUsable(by: hello) }
        // ECDSA costs the server a fraction of RSA.
        guard let choice = usable.first(where: { $0.key != .rsa }) ?? usable.first ?? candidates.first else {
            return .alert(.unrecognizedName)
        }
        return .context(choice.context(for: hello))
    }
}

/// One certificate of a server, ready for use.
final class TLSIdentity: Sendable {
    let names: [CertificateName]
    let key: TLSKeyKind
    /// The context for TLS 1.3, and for clients of whom nothing is known.
    let context: NIOSSLContext
    /// The same for TLS 1.2 with one cipher suite each: below 1.3 the library follows the client's order, not ours.
    private let byCipherSuite: [UInt16: NIOSSLContext]
    /// All suites below TLS 1.3 that are served with this key.
    private let suites: [UInt16]

    init(_ certificate: TLSCertificate, _ settings: TLSServerSettings) throws(TLSSetupError) {
        let chain: [NIOSSLCertificate]
        let privateKey: NIOSSLPrivateKey
        do { chain = try NIOSSLCertificate.fromPEMBytes(certificate.chain) } catch {
            throw TLSSetupError("the certificate cannot be read: it must be PEM, the server's own first")
        }
        guard let leaf = chain.first else { throw TLSSetupError("the certificate file holds no certificate") }
        do { privateKey = try NIOSSLPrivateKey(bytes: certificate.privateKey, format: .pem) } catch {
            throw TLSSetupError("the private key cannot be read: it must be PEM without a passphrase")
        }
        names = CertificateName.all(in: leaf)
        guard let kind = (try? leaf.toDERBytes()).flatMap(TLSKeyKind.init(certificate:)) else {
            throw TLSSetupError("the certificate's key is neither RSA nor ECDSA (P-256, P-384) nor Ed25519")
        }
        key = kind
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.harden(minimum: settings.minimumVersion)
        configuration.applicationProtocols = settings.applicationProtocols
        suites = configuration.cipherSuiteValues.map(\.rawValue).filter { kind.goes(with: $0) }
        switch settings.clientCertificates {
        case .ignored: break
        case .requested(let roots):
            configuration.certificateVerification = .optionalVerification
            configuration.trustRoots = .certificates(try TLSIdentity.roots(roots))
        case .required(let roots):
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates(try TLSIdentity.roots(roots))
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
            var limited: [UInt16: NIOSSLContext] = [:]
            configuration.maximumTLSVersion = .tlsv12
            for suite in kind.cipherSuites where settings.minimumVersion < .v1_3 {
                configuration.cipherSuiteValues = [NIOTLSCipher(suite)]
                limited[suite] = try NIOSSLContext(configuration: configuration)
            }
            byCipherSuite = limited
        } catch {
            throw TLSSetupError("the certificate and the private key do not belong together")
        }
    }

    /// Whether a client can verify signatures of the key, and shares a cipher suite for it: those of TLS 1.3 go with any key.
    func isUsable(by hello: ClientHello) -> Bool {
        guard let scheme = key.signatureScheme else { return true }
        return hello.signatureAlgorithms.contains(scheme)
            && (hello.supportedVersions.contains(0x0304) || hello.cipherSuites.contains { suites.contains($0) })
    }

    /// The context for a client: any it can use for TLS 1.3, the best of the shared cipher suites below that.
    func context(for hello: ClientHello) -> NIOSSLContext {
        guard !hello.supportedVersions.contains(0x0304),
              let suite = key.cipherSuites.first(where: { hello.cipherSuites.contains($0) }) else { return context }
        return byCipherSuite[suite] ?? context
    }

    static func roots(_ pem: [UInt8]) throws(TLSSetupError) -> [NIOSSLCertificate] {
        guard let roots = try? NIOSSLCertificate.fromPEMBytes(pem), !roots.isEmpty else {
            throw TLSSetupError("the file of trusted certificates holds none (PEM)")
        }
        return roots
    }
}

/// What a certificate is signed for with.
enum TLSKeyKind: Equatable {
    case rsa
    case p256
    case p384
    case ed25519

    /// The kind of the key in a certificate, by the object identifiers of RFC 3279, RFC 5480 and RFC 8410.
    init?(certificate: [UInt8]) {
        func holds(_ pattern: [UInt8]) -> Bool {
            certificate.count >= pattern.count
                && (0...(certificate.count - pattern.count)).contains { certificate[$0..<($0 + pattern.count)].elementsEqual(pattern) }
        }
        if holds([0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]) {
            self = .p256
        } else if holds([0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]) {
            self = .p384
        } else if holds([0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]) {
            self = .ed25519
        } else if holds([0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82]) {
            self = .rsa
        } else {
            return nil
        }
    }

    /// Suites of TLS 1.2 for the key, best first: AES-GCM with 128 and 256 bits, ChaCha20-Poly1305.
    var cipherSuites: [UInt16] {
        switch self {
        case .rsa: [0xc02f, 0xc030, 0xcca8]
        case .p256, .p384, .ed25519: [0xc02b, 0xc02c, 0xcca9]
        }
    }

    /// Whether a suite below TLS 1.3 is for keys of this kind.
    fileprivate func goes(with suite: UInt16) -> Bool {
        let isECDSA = [0xc02b, 0xc02c, 0xcca9, 0xc009, 0xc00a].contains(suite)
        return isECDSA == (self != .rsa)
    }

    /// The number of the scheme by which a client verifies signatures of the key (RFC 8446 §4.2.3); every client knows RSA.
    fileprivate var signatureScheme: UInt16? {
        switch self {
        case .rsa: nil
        case .p256: 0x0403
        case .p384: 0x0503
        case .ed25519: 0x0807
        }
    }
}

extension TLSConfiguration {
    /// Modern algorithms only: forward secrecy and AEAD, as RFC 9325 §4.2 has it.
    mutating func harden(minimum: Ports.TLSVersion) {
        minimumTLSVersion = switch minimum {
        case .v1_0: .tlsv1
        case .v1_1: .tlsv11
        case .v1_2: .tlsv12
        case .v1_3: .tlsv13
        }
        cipherSuiteValues = [
            .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ] + (minimum < .v1_2 ? [
            .TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, .TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
            .TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, .TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
        ] : [])
        curves = [.x25519_MLKEM768, .x25519, .secp256r1, .secp384r1]
        renegotiationSupport = .none
        shutdownTimeout = .seconds(2)
    }
}
