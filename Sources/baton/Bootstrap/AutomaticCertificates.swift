import Certificates
import Configuration
import DNS
import Logging
import MessageFormat
import Ports
import Sockets

/// Orders and renews the certificate that `tls.acme` asks for, and answers its challenges.
///
/// Made on any thread; used on the core loop.
final class AutomaticCertificates: @unchecked Sendable {
    private let core: any Loop
    private let renewal: CertificateRenewal
    /// What the challenge listener is for.
    private let responder: any ACMEResponder
    private let address: ListenAddress?
    private let challengeServer: NIOTLSServer?

    /// Prepares what `acme` asks for; a certificate that comes of it goes to `certificates`.
    init(_ acme: ACMEConfiguration, _ configuration: BatonConfiguration, certificates: ListenerCertificates, resolver: any Resolver,
         core: any Loop, logger: Logger) throws {
        self.core = core
        guard let directory = HTTPURL(acme.directory) else { throw TLSSetupError("tls.acme.directory is no URL: \(acme.directory)") }
        var settings = ACMESettings(directory: directory, names: acme.orderedNames(configuration))
        settings.contacts = acme.contacts.map { "mailto:\($0)" }
        settings.renewBefore = acme.renewBefore
        switch acme.challenge {
        case .http:
            settings.challenge = .http
            challengeServer = nil
            address = acme.listener ?? .everywhere(port: 80)
            responder = HTTPChallengeResponder()
        case .tlsALPN:
            settings.challenge = .tlsALPN
            let server = try NIOTLSServer(TLSServerSettings(certificates: [certificates.ownCertificate()]))
            challengeServer = server
            address = acme.listener ?? .everywhere(port: 443)
            responder = TLSChallengeResponder(server) { core.now }
        case .dns:
            settings.challenge = .dns
            challengeServer = nil
            address = nil
            responder = DNSHookResponder(command: acme.hook ?? "", on: core)
        }
        var client = HTTPClientSettings()
        client.trustedCertificateFiles = acme.trustedCertificates
        client.allowsPrivateAddresses = acme.privateAddresses
        let http = try HTTPClient(settings: client) { host, loop, completion in
            resolver.resolve(host, .a, on: loop) { four in
                resolver.resolve(host, .aaaa, on: loop) { six in completion(four.addresses + six.addresses) }
            }
        }
        renewal = CertificateRenewal(settings, http: http, folder: certificates.folder, responder: responder,
                                     random: SystemRandomSource(), on: core) { occurrence in
            AutomaticCertificates.take(occurrence, certificates, logger)
        }
    }

    /// Opens the challenge listener and begins.
    func start(_ group: LoopGroup) throws -> [NIOListener] {
        var listeners: [NIOListener] = []
        for (number, endpoint) in (address?.endpoints ?? []).enumerated() {
            do {
                listeners.append(try listen(endpoint, group))
            } catch {
                // `:80` asks for IPv6 where there is any.
                guard number > 0 else { throw error }
            }
        }
        core.execute { self.renewal.start() }
        return listeners
    }

    private func listen(_ endpoint: SocketEndpoint, _ group: LoopGroup) throws(ListenError) -> NIOListener {
        var settings = ListenerSettings()
        settings.maxConnections = AutomaticCertificates.maxConnections
        if let challengeServer {
            return try NIOListener.listen(on: endpoint, settings: settings, group: group) { _ in TLSChallengeSession(challengeServer) }
        }
        let core = core
        let confined = LoopConfined(responder, to: core)
        return try NIOListener.listen(on: endpoint, settings: settings, group: group) { loop in
            guard let responder = confined.value as? HTTPChallengeResponder else { preconditionFailure("documents are served for http-01") }
            return responder.makeHandler(on: loop)
        }
    }

    /// Validators come from a few places at once; more wait.
    private static let maxConnections = 64

    private static func take(_ occurrence: CertificateRenewal.Occurrence, _ certificates: ListenerCertificates, _ logger: Logger) {
        switch occurrence {
        case .renewed(let certificate, let end):
            do { try certificates.use(ordered: certificate) } catch {
                return logger.error("certificate-unusable", metadata: ["reason": "\(error)"])
            }
            logger.notice("certificate-renewed", metadata: ["until": "\(DateTime.rfc3339(end))"])
        case .failed(let error, let next):
            logger.error("certificate-not-renewed", metadata: ["reason": "\(error)", "next": "\(DateTime.rfc3339(next))"])
        case .notKept(let error): logger.error("certificate-not-kept", metadata: ["reason": "\(error)"])
        }
    }
}

extension ACMEConfiguration {
    /// The names of the certificate.
    func orderedNames(_ configuration: BatonConfiguration) -> [String] {
        names.isEmpty ? [configuration.hostname.ascii] : names.map(\.ascii)
    }
}
