import NIOSSL
import Ports
import Synchronization

/// What outgoing TLS may use, beside what each connection asks for.
public struct TLSClientOptions: Hashable, Sendable {
    /// The oldest version that is spoken to servers that are not verified: anything is better than clear text.
    public var minimumVersion = TLSVersion.v1_2
    /// Roots that server certificates must lead to (PEM); nil for those of the system.
    public var roots: [UInt8]?
    /// Certificates that may be presented, by their configured names.
    public var certificates: [String: TLSCertificate] = [:]

    /// The documented defaults.
    public init() {}
}

/// Makes the TLS engines of outgoing connections.
public final class NIOTLSClient: Sendable {
    private struct Kind: Hashable {
        let verifies: Bool
        let certificate: String?
    }
    private struct State: Sendable {
        var options: TLSClientOptions
        var contexts: [Kind: NIOSSLContext] = [:]
    }
    private let state: Mutex<State>

    /// Engines under these options.
    public init(_ options: TLSClientOptions = TLSClientOptions()) { state = Mutex(State(options: options)) }

    /// Puts other options in force for connections to come.
    public func update(_ options: TLSClientOptions) {
        state.withLock { state in
            guard state.options != options else { return }
            state = State(options: options)
        }
    }

    /// Reads the trusted roots, which takes a moment, and says what is wrong with the options.
    public func prepare() throws(TLSSetupError) {
        _ = try context(verifies: true, certificate: nil)
        for name in state.withLock({ Array($0.options.certificates.keys) }) { _ = try context(verifies: false, certificate: name) }
    }

    func context(verifies: Bool, certificate: String?) throws(TLSSetupError) -> NIOSSLContext {
        let kind = Kind(verifies: verifies, certificate: certificate)
        let (known, options) = state.withLock { ($0.contexts[kind], $0.options) }
        if let known { return known }
        let context = try NIOTLSClient.make(kind, options)
        state.withLock { if $0.options == options { $0.contexts[kind] = context } }
        return context
    }

    private static func make(_ kind: Kind, _ options: TLSClientOptions) throws(TLSSetupError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.harden(minimum: kind.verifies ? max(options.minimumVersion, .v1_2) : options.minimumVersion)
        // Names are compared here, since there may be several that fit.
        configuration.certificateVerification = .noHostnameVerification
        if !kind.verifies {
            configuration.trustRoots = .certificates([])
        } else if let roots = options.roots {
            configuration.trustRoots = .certificates(try TLSIdentity.roots(roots))
        }
        if let name = kind.certificate {
            guard let certificate = options.certificates[name] else { throw TLSSetupError("there is no certificate '\(name)'") }
            guard let chain = try? NIOSSLCertificate.fromPEMBytes(certificate.chain),
                  let key = try? NIOSSLPrivateKey(bytes: certificate.privateKey, format: .pem) else {
                throw TLSSetupError("the certificate '\(name)' or its key cannot be read")
            }
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(key)
        }
        do { return try NIOSSLContext(configuration: configuration) } catch {
            throw TLSSetupError("TLS cannot be set up with these certificates")
        }
    }
}

/// What the verification of one handshake found, kept until the handshake is over.
final class ChainRecord: @unchecked Sendable {
    // Touched on the connection's loop only.
    var certificates: [NIOSSLCertificate] = []
    var failure: TLSFailure?
}
