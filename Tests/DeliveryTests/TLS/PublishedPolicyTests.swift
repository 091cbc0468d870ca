import DNS
import Events
import Foundation
import MailAuth
import MailQueue
import MessageFormat
import Ports
import SMTP
import Testing

@testable import Delivery

/// Mail from the lookup of its hosts to the connection, under what the destination publishes.
@Suite("Published TLS policies") struct PublishedPolicyTests {
    /// A policy host made of memory.
    private final class PolicyHost: HTTPSGetting {
        let policy: String?
        init(_ policy: String?) { self.policy = policy }

        func get(host: String, path: String, maxOctets: Int, timeout: Duration, on loop: any Loop,
                 completion: @escaping @Sendable (Result<HTTPSDocument, HTTPSFailure>) -> Void) {
            let policy = policy
            loop.execute {
                completion(policy.map { .success(HTTPSDocument(status: 200, contentType: "text/plain", body: Array($0.utf8))) }
                    ?? .failure(HTTPSFailure(isCertificate: false, "no host")))
            }
        }
    }

    private final class Box: @unchecked Sendable { var isResolved = false }

    /// A destination with one host at 192.0.2.1, and what an attempt to it comes to.
    private final class Scene {
        let bench: DeliveryBench
        let server: ScriptedServer
        let counters: TLSReportCounters
        private let router: Router
        private let reporting: TLSReporting

        init(zone: String, policy: String? = nil, level: TLSLevel = .auto) throws {
            bench = DeliveryBench(zone: zone)
            server = bench.serve("192.0.2.1")
            server.keywords = ["PIPELINING", "STARTTLS", "REQUIRETLS"]
            server.handshake = .established(TLSSummary(version: .v1_3, peerCertificates: PublishedPolicyTests.chain))
            counters = TLSReportCounters(loop: bench.loop, file: nil)
            let mtaSTS = MTASTSDiscovery(loop: bench.loop, resolver: bench.resolver, getter: PolicyHost(policy), file: nil)
            let discovery = TLSPolicyDiscovery(loop: bench.loop, dane: DANEDiscovery(resolver: bench.resolver), mtaSTS: mtaSTS,
                                               reports: counters) { _ in level }
            let finder = MXHostFinder(resolver: bench.resolver, random: SeededRandom(1), own: OwnHost(names: ["me.example"]))
            let table = RoutingTable(routes: [Route(name: "mx", transport: .mx(port: 25))]) { _, _ in 0 }
            router = Router(table: table, hostFinder: finder, tls: discovery, loop: bench.loop)
            reporting = TLSReporting(loop: bench.loop, counters: counters, verifier: PKIXVerifier(trustedCertificateFiles: [
                PublishedPolicyTests.folder.appending(path: "root.pem").path,
            ]))
            bench.agent.tlsObserver = reporting
        }

        func deliver(_ change: (inout Envelope) -> Void = { _ in }) throws -> (outcome: DeliveryOutcome, tls: String?) {
            let key = DestinationKey(route: RouteID(0), domain: "y.example")
            let box = Box()
            router.resolve(key) { _, _ in box.isResolved = true }
            bench.loop.run()
            #expect(box.isResolved)
            let number = bench.deliver(via: try #require(router.nextHop(for: key)), envelope: change)
            let ending = try #require(bench.ending(number))
            return (try #require(ending.outcomes.first), ending.report.host?.tls)
        }

        /// The counts: `policy type/failure type=sessions`.
        var counts: [String] {
            counters.tally.keys.flatMap { counters.tally.results(for: $0) }.flatMap { result in
                (result.successes > 0 ? ["\(result.policy.type.rawValue)=\(result.successes)"] : [])
                    + result.details.map { "\(result.policy.type.rawValue)/\($0.type.rawValue)=\($0.sessions)" }
            }
        }
    }

    fileprivate static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/x509")

    private static func der(_ name: String) -> [UInt8] {
        let text = (try? String(contentsOf: folder.appending(path: name + ".pem"), encoding: .utf8)) ?? ""
        return Array(Data(base64Encoded: text.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()) ?? Data())
    }

    fileprivate static let chain = [der("leaf"), der("intermediate")]

    private static func hex(_ octets: [UInt8]) -> String { octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    /// A zone with one host, and these TLSA records or this failure.
    private func zone(secure: Bool, tlsa: String? = nil, sts: Bool = false) -> String {
        """
        {"y.example": {"MX": ["10 mx.example.org"], "secure": \(secure)},
         "mx.example.org": {"A": ["192.0.2.1"], "secure": \(secure)}
         \(tlsa.map { ", \"_25._tcp.mx.example.org\": {\($0), \"secure\": \(secure)}" } ?? "")
         \(sts ? ", \"_mta-sts.y.example\": [\"v=STSv1; id=1\"]" : "")}
        """
    }

    private let right = "\"TLSA\": [\"3 0 0 \(hex(chain[0]))\"]"
    private let wrong = "\"TLSA\": [\"3 0 1 \(String(repeating: "00", count: 32))\"]"

    private func policy(_ mode: String, _ mx: String = "mx.example.org") -> String { "version: STSv1\nmode: \(mode)\nmx: \(mx)\nmax_age: 86400\n" }

    private func isRelayed(_ outcome: DeliveryOutcome) -> Bool { if case .relayed = outcome { true } else { false } }

    private func deferral(_ outcome: DeliveryOutcome) -> String? { if case .deferred(let diagnosis) = outcome { diagnosis.explanation } else { nil } }

    private func failure(_ outcome: DeliveryOutcome) -> EnhancedStatusCode? { if case .failed(let diagnosis) = outcome { diagnosis.status } else { nil } }

    @Test("records that prove the host") func dane() throws {
        let scene = try Scene(zone: zone(secure: true, tlsa: right))
        let (outcome, tls) = try scene.deliver()
        #expect(isRelayed(outcome))
        #expect(tls?.hasPrefix("TLSv1.3 dane verified") == true)
        #expect(scene.server.handshakes.first?.serverName == "mx.example.org")
        #expect(scene.counts == ["tlsa=1"])
    }

    @Test("records that prove another host: nothing is sent") func daneMismatch() throws {
        let scene = try Scene(zone: zone(secure: true, tlsa: wrong))
        let (outcome, tls) = try scene.deliver()
        #expect(deferral(outcome)?.contains("TLSA") == true)
        #expect(tls?.hasPrefix("failed dane") == true)
        #expect(scene.server.messages.isEmpty)
        #expect(scene.counts == ["tlsa/certificate-not-trusted=1"])
    }

    @Test("records without DNSSEC mean nothing") func unsigned() throws {
        let scene = try Scene(zone: zone(secure: false, tlsa: wrong))
        let (outcome, tls) = try scene.deliver()
        #expect(isRelayed(outcome) && tls?.hasPrefix("TLSv1.3 opportunistic") == true)
        #expect(scene.counts == ["no-policy-found=1"])
    }

    // HOSTILE 10
    @Test("records that cannot be had keep the host from being used", arguments: [
        ("\"rcode\": \"SERVFAIL\"", "validation-failure"), ("\"rcode\": \"TIMEOUT\"", "validation-failure"), ("\"bogus\": true", "dnssec-invalid"),
    ])
    func daneUnknown(_ entry: String, _ type: String) throws {
        let scene = try Scene(zone: zone(secure: true, tlsa: entry, sts: true), policy: policy("enforce"))
        let (outcome, _) = try scene.deliver()
        #expect(deferral(outcome)?.contains("was not used: the TLSA records of the host cannot be told") == true)
        #expect(scene.server.connections.isEmpty)
        #expect(scene.counts == ["tlsa/\(type)=1"])
    }

    @Test("a host with usable records that hides STARTTLS gets nothing, one without records gets it in the clear") func stripped() throws {
        let scene = try Scene(zone: zone(secure: true, tlsa: right))
        scene.server.keywords = []
        let (outcome, tls) = try scene.deliver()
        #expect(deferral(outcome)?.contains("STARTTLS") == true && tls == "none dane (not offered)")
        #expect(scene.server.messages.isEmpty && scene.counts == ["tlsa/starttls-not-supported=1"])
        let open = try Scene(zone: zone(secure: true))
        open.server.keywords = []
        let second = try open.deliver()
        #expect(isRelayed(second.outcome) && second.tls == "none opportunistic (not offered)")
        #expect(open.counts == ["no-policy-found/starttls-not-supported=1"])
    }

    @Test("records of which none is usable ask for TLS with any certificate") func unusable() throws {
        let scene = try Scene(zone: zone(secure: true, tlsa: wrong.replacingOccurrences(of: "3 0 1", with: "1 0 1")))
        let (outcome, tls) = try scene.deliver()
        #expect(isRelayed(outcome) && tls?.hasPrefix("TLSv1.3 dane-unusable") == true)
        #expect(scene.counts == ["tlsa/tlsa-invalid=1"])
        let plain = try Scene(zone: zone(secure: true, tlsa: wrong.replacingOccurrences(of: "3 0 1", with: "1 0 1")))
        plain.server.keywords = []
        #expect(deferral(try plain.deliver().outcome) != nil)
    }

    @Test("an enforced MTA-STS policy asks for a certificate of the host") func enforced() throws {
        let scene = try Scene(zone: zone(secure: false, sts: true), policy: policy("enforce"))
        #expect(isRelayed(try scene.deliver().outcome))
        guard case .names(["mx.example.org"])? = scene.server.handshakes.first?.verification else {
            Issue.record("the certificate is not checked")
            return
        }
        #expect(scene.counts == ["sts=1"])
        for failure in [TLSFailure.expired, .wrongName(presented: []), .notTrusted("no authority"), .handshake("no cipher")] {
            let failing = try Scene(zone: zone(secure: false, sts: true), policy: policy("enforce"))
            failing.server.handshake = .failed(failure)
            #expect(deferral(try failing.deliver().outcome) != nil)
            #expect(failing.server.messages.isEmpty && failing.counts == ["sts/\(TLSReport.ResultType(failure).rawValue)=1"])
        }
    }

    @Test("a host that an enforced policy does not name is not used") func notInPolicy() throws {
        let scene = try Scene(zone: zone(secure: false, sts: true), policy: policy("enforce", "*.other.example"))
        #expect(deferral(try scene.deliver().outcome)?.contains("not in the MTA-STS policy") == true)
        #expect(scene.server.connections.isEmpty && scene.counts == ["sts/validation-failure=1"])
    }

    // HOSTILE 10: testing must not enforce.
    @Test("a policy under test never keeps mail back, and its failures are counted") func testing() throws {
        let good = try Scene(zone: zone(secure: false, sts: true), policy: policy("testing"))
        #expect(isRelayed(try good.deliver().outcome) && good.counts == ["sts=1"])
        let other = try Scene(zone: zone(secure: false, sts: true), policy: policy("testing", "*.other.example"))
        #expect(isRelayed(try other.deliver().outcome) && other.counts == ["sts/validation-failure=1"])
        let clear = try Scene(zone: zone(secure: false, sts: true), policy: policy("testing"))
        clear.server.keywords = []
        #expect(isRelayed(try clear.deliver().outcome) && clear.counts == ["sts/starttls-not-supported=1"])
        let broken = try Scene(zone: zone(secure: false, sts: true), policy: policy("testing"))
        broken.server.handshake = .failed(.handshake("no cipher"))
        let (outcome, tls) = try broken.deliver()
        #expect(isRelayed(outcome) && tls?.hasPrefix("none mta-sts-testing (in the clear since") == true)
        #expect(broken.counts == ["sts/validation-failure=1"])
        let stranger = try Scene(zone: zone(secure: false, sts: true), policy: policy("testing"))
        stranger.server.handshake = .established(TLSSummary(version: .v1_3, peerCertificates: [PublishedPolicyTests.der("common-name")]))
        #expect(isRelayed(try stranger.deliver().outcome) && stranger.counts == ["sts/certificate-not-trusted=1"])
    }

    @Test("DANE goes before MTA-STS") func precedence() throws {
        let scene = try Scene(zone: zone(secure: true, tlsa: right, sts: true), policy: policy("enforce", "*.other.example"))
        let (outcome, tls) = try scene.deliver()
        #expect(isRelayed(outcome) && tls?.contains(" dane verified") == true)
    }

    @Test("a policy that cannot be fetched is counted, and mail goes as if there were none") func fetchError() throws {
        let scene = try Scene(zone: zone(secure: false, sts: true))
        #expect(isRelayed(try scene.deliver().outcome))
        #expect(Set(scene.counts) == ["sts/sts-policy-fetch-error=1", "no-policy-found=1"])
    }

    @Test("what the configuration asks for goes before what is published") func overrides() throws {
        let none = try Scene(zone: zone(secure: true, tlsa: wrong), level: .none)
        #expect(isRelayed(try none.deliver().outcome) && none.server.handshakes.isEmpty)
        let dane = try Scene(zone: zone(secure: true), level: .dane)
        #expect(deferral(try dane.deliver().outcome)?.contains("DANE is configured") == true)
        let encrypt = try Scene(zone: zone(secure: true, tlsa: wrong), level: .encrypt)
        #expect(try encrypt.deliver().tls?.hasPrefix("TLSv1.3 encrypt") == true)
    }

    // RFC 8689 §4.2.1
    @Test("REQUIRETLS: a proven host that offers it, or none") func requireTLS() throws {
        let scene = try Scene(zone: zone(secure: true, tlsa: right))
        #expect(isRelayed(try scene.deliver { $0.requireTLS = true }.outcome))
        #expect(scene.server.messages.first?.commands.first == "MAIL FROM:<a@x.example> REQUIRETLS")
        let signed = try Scene(zone: zone(secure: true))
        _ = try signed.deliver { $0.requireTLS = true }
        guard case .names(["mx.example.org"])? = signed.server.handshakes.first?.verification else {
            Issue.record("the certificate is not checked")
            return
        }
        let unproven = try Scene(zone: zone(secure: false))
        #expect(failure(try unproven.deliver { $0.requireTLS = true }.outcome) == EnhancedStatusCode(5, 7, 30))
        #expect(unproven.server.connections.isEmpty)
        let lacking = try Scene(zone: zone(secure: true, tlsa: right))
        lacking.server.keywords = ["STARTTLS"]
        #expect(failure(try lacking.deliver { $0.requireTLS = true }.outcome) == EnhancedStatusCode(5, 7, 30))
        #expect(lacking.server.messages.isEmpty)
    }

    @Test("REQUIRETLS: the next host may offer what the first does not") func requireTLSElsewhere() throws {
        let zone = """
        {"y.example": {"MX": ["10 first.example.org", "20 mx.example.org"], "secure": true},
         "first.example.org": {"A": ["192.0.2.2"], "secure": true}, "mx.example.org": {"A": ["192.0.2.1"], "secure": true}}
        """
        let scene = try Scene(zone: zone)
        let first = scene.bench.serve("192.0.2.2")
        first.keywords = ["STARTTLS"]
        #expect(isRelayed(try scene.deliver { $0.requireTLS = true }.outcome))
        #expect(first.messages.isEmpty && first.lines.contains("STARTTLS") && scene.server.messages.count == 1)
    }

    // RFC 8689 §4.2.2
    @Test("TLS-Required: No passes over what is published, not over what is configured") func waived() throws {
        let scene = try Scene(zone: zone(secure: true, tlsa: "\"bogus\": true"))
        scene.server.keywords = []
        #expect(isRelayed(try scene.deliver { $0.content.insert(.tlsWaived) }.outcome))
        let configured = try Scene(zone: zone(secure: true), level: .encrypt)
        configured.server.keywords = []
        #expect(deferral(try configured.deliver { $0.content.insert(.tlsWaived) }.outcome) != nil)
        let both = try Scene(zone: zone(secure: true, tlsa: wrong))
        #expect(deferral(try both.deliver { $0.content.insert(.tlsWaived); $0.requireTLS = true }.outcome) != nil)
    }
}
