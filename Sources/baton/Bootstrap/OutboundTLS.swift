import Configuration
import DNS
import Delivery
import Logging
import MailAuth
import MessageFormat
import Ports
import Sockets

/// What decides how other servers are connected to, and counts what came of it.
///
/// Made on any thread; used on the core loop.
final class OutboundTLS: @unchecked Sendable {
    /// Finds what destinations publish.
    let discovery: TLSPolicyDiscovery
    /// Hears what became of TLS on each connection.
    let reporting: TLSReporting
    private let counters: TLSReportCounters
    private let files: [DiskStateFile]
    private let dane: DANEDiscovery
    private let policyHosts: PolicyHosts
    private let logger: Logger

    init(_ configuration: BatonConfiguration, resolver: any Resolver, core: any Loop, logger: Logger) throws {
        let settings = configuration.delivery.mtaSTS
        let policies = DiskStateFile(configuration.spool.directory + "/mta-sts", logger: logger)
        let reports = DiskStateFile(configuration.spool.directory + "/tls-reports", logger: logger)
        files = [policies, reports]
        counters = TLSReportCounters(loop: core, file: reports)
        dane = DANEDiscovery(resolver: resolver)
        policyHosts = try PolicyHosts(client: configuration.policyHostClient, resolver: resolver, port: UInt16(clamping: settings.port))
        self.logger = logger
        var mtaSTS: MTASTSDiscovery?
        if settings.enabled {
            var limits = MTASTSSettings()
            limits.fetchTimeout = settings.timeout
            mtaSTS = MTASTSDiscovery(loop: core, resolver: resolver, getter: policyHosts, file: policies, settings: limits)
        }
        discovery = TLSPolicyDiscovery(loop: core, dane: configuration.delivery.dane ? dane : nil, mtaSTS: mtaSTS, reports: counters,
                                       level: configuration.tlsLevel)
        reporting = TLSReporting(loop: core, counters: counters, verifier: configuration.pkixVerifier)
    }

    /// Puts what can be reloaded in force; on the core loop.
    func apply(_ configuration: BatonConfiguration) {
        discovery.apply(dane: configuration.delivery.dane ? dane : nil, level: configuration.tlsLevel)
        reporting.verifier = configuration.pkixVerifier
        do { try policyHosts.update(configuration.policyHostClient) } catch {
            logger.warning("trusted-certificates", metadata: ["reason": "\(error)"])
        }
    }

    /// Writes what is counted but not yet written; on the core loop.
    func save() {
        counters.save()
        for file in files { file.finish() }
    }
}

extension BatonConfiguration {
    /// What the configuration asks of connections for a domain.
    var tlsLevel: @Sendable (_ domain: String) -> TLSLevel {
        let entries = delivery.tls
        guard !entries.isEmpty else { return { _ in .auto } }
        return { name in
            guard let domain = try? Domain(parsing: name) else { return .auto }
            return entries.first { $0.destinations.contains(domain) }.map { TLSLevel($0.level) } ?? .auto
        }
    }
}

extension BatonConfiguration {
    fileprivate var policyHostClient: HTTPClientSettings {
        var client = HTTPClientSettings()
        client.trustedCertificateFiles = tls.trustedCertificates
        client.allowsPrivateAddresses = delivery.mtaSTS.privateAddresses
        return client
    }

    fileprivate var pkixVerifier: PKIXVerifier { PKIXVerifier(trustedCertificateFiles: tls.trustedCertificates) }
}

extension TLSLevel {
    fileprivate init(_ level: DestinationTLS.Level) {
        switch level {
        case .auto: self = .auto
        case .none: self = .none
        case .opportunistic: self = .opportunistic
        case .encrypt: self = .encrypt
        case .verify: self = .verify
        case .dane: self = .dane
        }
    }
}
