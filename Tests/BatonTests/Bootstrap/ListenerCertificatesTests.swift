@testable import baton
import Certificates
@testable import Configuration
import Glibc
import Ports
import Receiving
import Sockets
import Testing

@Suite("Certificates of listeners") struct ListenerCertificatesTests {
    private let folder: TemporaryFolder
    private let now = Timestamp(seconds: 1_795_300_000)

    init() throws { folder = try TemporaryFolder() }

    /// The folder of the TLS tests' certificates.
    private static let fixtures = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/") + "/Fixtures/tls"

    private func configuration(_ more: String = "", hostname: String = "mail.example.org") throws -> BatonConfiguration {
        try BatonConfiguration.check("""
            hostname: \(hostname)
            listeners:
              - {address: "127.0.0.1:2525"}
              - {address: "127.0.0.1:2526", tls: implicit}
              - {address: "127.0.0.1:2527", tls: none}
            spool: {directory: "\(folder.path)"}
            dns: {trustAnchor: none}
            \(more)
            """, file: "/etc/baton.yaml")
    }

    private func files(_ names: String...) -> String {
        "tls: {certificates: [" + names.map { "{chain: \(Self.fixtures)/\($0).pem, key: \(Self.fixtures)/\($0).key}" }.joined(separator: ", ") + "]}"
    }

    private func certificates(_ configuration: BatonConfiguration) throws -> ListenerCertificates {
        try ListenerCertificates(configuration) { [now] in now }
    }

    private func chains(_ certificates: ListenerCertificates, _ index: Int = 0) -> [[String]] {
        guard let server = certificates[index]?.context as? NIOTLSServer else { return [] }
        return server.settings.certificates.map { CertificateFacts(chain: $0.chain)?.names ?? [] }
    }

    @Test("without files there is one of Baton's own, the same at the next start, another for another name") func own() throws {
        let first = try certificates(configuration())
        #expect(chains(first) == [["mail.example.org"]])
        let key = (first[0]?.context as? NIOTLSServer)?.settings.certificates.first?.privateKey
        #expect((try certificates(configuration())[0]?.context as? NIOTLSServer)?.settings.certificates.first?.privateKey == key)
        #expect(chains(try certificates(configuration(hostname: "mx.example.org"))) == [["mx.example.org"]])
    }

    @Test("a damaged one is made anew") func damaged() throws {
        _ = try certificates(configuration())
        let file = try #require(fopen(folder.path + "/tls/self-signed.key", "w"))
        fputs("-----BEGIN EC PRIVATE KEY-----\n", file)
        fclose(file)
        #expect(chains(try certificates(configuration())) == [["mail.example.org"]])
    }

    @Test("each listener speaks TLS as it is told, with contexts of its own") func modes() throws {
        let certificates = try certificates(configuration(files("ecdsa", "rsa")))
        #expect(certificates[0]?.start == .startTLS)
        #expect(certificates[1]?.start == .implicit)
        #expect(certificates[2] == nil)
        #expect(certificates[3] == nil)
        #expect(certificates[0]?.context !== certificates[1]?.context)
        #expect(chains(certificates, 1).count == 2)
    }

    @Test("a reload puts new files in force; files that do not fit change nothing") func reload() throws {
        let certificates = try certificates(configuration(files("ecdsa")))
        #expect(chains(certificates) == [["mx.example", "mail.example"]])
        try certificates.update(configuration(files("other")))
        #expect(chains(certificates) == [["*.other.example"]])
        let wrong = "tls: {certificates: [{chain: \(Self.fixtures)/rsa.pem, key: \(Self.fixtures)/other.key}]}"
        #expect(throws: TLSSetupError.self) { try certificates.update(configuration(wrong)) }
        #expect(chains(certificates) == [["*.other.example"]])
    }

    @Test("a certificate that was ordered goes beside those in files, and outlives a reload") func ordered() throws {
        let certificates = try certificates(configuration(files("ecdsa")))
        try certificates.use(ordered: SelfSignedCertificate.make(for: "ordered.example", at: now))
        try certificates.update(configuration(files("other")))
        #expect(chains(certificates) == [["*.other.example"], ["ordered.example"]])
    }
}
