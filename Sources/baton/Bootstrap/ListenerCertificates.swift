import Certificates
import Configuration
import MessageFormat
import Ports
import Receiving
import Sockets
import Synchronization

/// The certificates of each listener; a reload puts those in the files in force without dropping a connection.
///
/// Each listener has contexts of its own, so that a session ticket of one opens no session at another.
final class ListenerCertificates: Sendable {
    private let servers: [NIOTLSServer]
    private let configuration: Mutex<BatonConfiguration>
    /// Where certificates of Baton's own are kept.
    let folder: CertificateFolder
    /// The certificate that came from an ACME server.
    private let ordered: Mutex<TLSCertificate?>
    private let clock: @Sendable () -> Timestamp
    /// The name under which Baton's own certificate is kept.
    private static let ownName = "self-signed"
    /// Baton's own certificate is made anew before it ends by this much.
    private static let renewal = Duration.days(30)

    /// Reads the certificates of `configuration`, or makes one.
    init(_ configuration: BatonConfiguration, clock: @escaping @Sendable () -> Timestamp) throws {
        let folder = try CertificateFolder(configuration.spool.directory + "/tls")
        self.folder = folder
        self.clock = clock
        let ordered = configuration.tls.acme.flatMap {
            CertificateRenewal.kept(for: $0.orderedNames(configuration), in: folder, at: clock())
        }
        self.ordered = Mutex(ordered)
        servers = try ListenerCertificates.settings(configuration, ordered, folder, clock()).map { try NIOTLSServer($0) }
        self.configuration = Mutex(configuration)
    }

    /// Reads the certificates anew for another configuration with the same listeners; throws, with nothing changed, where
    /// one of them cannot be used.
    func update(_ configuration: BatonConfiguration) throws {
        let settings = try ListenerCertificates.settings(configuration, ordered.withLock { $0 }, folder, clock())
        // All of them are tried before the first is put in force.
        for setting in settings { _ = try NIOTLSServer(setting) }
        for (server, setting) in zip(servers, settings) { try server.update(setting) }
        self.configuration.withLock { $0 = configuration }
    }

    /// Puts a certificate from an ACME server in force.
    func use(ordered certificate: TLSCertificate) throws {
        ordered.withLock { $0 = certificate }
        try update(configuration.withLock { $0 })
    }

    /// Baton's own certificate for the configured name.
    func ownCertificate() throws -> TLSCertificate {
        try ListenerCertificates.ownCertificate(configuration.withLock { $0.hostname.ascii }, folder, clock())
    }

    /// How the listener with this index speaks TLS; nil when it does not.
    subscript(index: Int) -> ListenerTLS? {
        guard servers.indices.contains(index) else { return nil }
        return configuration.withLock { configuration in
            guard configuration.listeners.indices.contains(index) else { return nil }
            return configuration.listenerTLS(of: configuration.listeners[index], servers[index])
        }
    }

    private static func settings(_ configuration: BatonConfiguration, _ ordered: TLSCertificate?, _ folder: CertificateFolder,
                                 _ now: Timestamp) throws -> [TLSServerSettings] {
        var certificates: [TLSCertificate] = []
        for files in configuration.tls.certificates { certificates.append(try read(files)) }
        if let ordered { certificates.append(ordered) }
        if certificates.isEmpty { certificates = [try ownCertificate(configuration.hostname.ascii, folder, now)] }
        let roots = configuration.tls.clientAuthorities.flatMap(CertificateFolder.read) ?? []
        return configuration.listeners.map { configuration.tlsSettings(of: $0, certificates: certificates, roots: roots) }
    }

    private static func read(_ files: CertificateFiles) throws -> TLSCertificate {
        guard let chain = CertificateFolder.read(files.chain), let key = CertificateFolder.read(files.key) else {
            throw TLSSetupError("the files '\(files.chain)' and '\(files.key)' cannot be read")
        }
        let certificate = TLSCertificate(chain: chain, privateKey: key)
        do { _ = try NIOTLSServer(TLSServerSettings(certificates: [certificate])) } catch {
            throw TLSSetupError("'\(files.chain)', '\(files.key)': \(error)")
        }
        return certificate
    }

    private static func ownCertificate(_ name: String, _ folder: CertificateFolder, _ now: Timestamp) throws -> TLSCertificate {
        if let kept = folder.certificate(ownName), let facts = CertificateFacts(chain: kept.chain), facts.names == [name],
           facts.expiry > now + renewal, (try? NIOTLSServer(TLSServerSettings(certificates: [kept]))) != nil { return kept }
        let made = try SelfSignedCertificate.make(for: name, at: now)
        try folder.keep(made, as: ownName)
        return made
    }
}
