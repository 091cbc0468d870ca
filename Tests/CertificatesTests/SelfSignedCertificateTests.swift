import Certificates
import Glibc
import Ports
import Sockets
import Testing

@Suite("Certificates of Baton's own") struct SelfSignedCertificateTests {
    private let now = Timestamp(seconds: 1_795_300_000)

    private func folder() throws -> CertificateFolder {
        var template = Array("/tmp/baton-certificates-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template).map { String(cString: $0) })
        return try CertificateFolder(path + "/tls")
    }

    @Test("one is for its name, for ten years, and TLS takes it") func made() throws {
        let certificate = try SelfSignedCertificate.make(for: "mx.example", at: now)
        let facts = try #require(CertificateFacts(chain: certificate.chain))
        #expect(facts.names == ["mx.example"])
        #expect(facts.expiry == now + .days(3650))
        #expect(try NIOTLSServer(TLSServerSettings(certificates: [certificate])).settings.certificates == [certificate])
        #expect(try SelfSignedCertificate.make(for: "mx.example", at: now).privateKey != certificate.privateKey)
    }

    @Test("a long name fits too") func longName() throws {
        let name = String(repeating: "a", count: 60) + "." + String(repeating: "b", count: 60) + ".example"
        #expect(CertificateFacts(chain: try SelfSignedCertificate.make(for: name, at: now).chain)?.names == [name])
    }

    @Test("what is kept comes back, and nobody else can read the key") func kept() throws {
        let folder = try folder()
        #expect(folder.certificate("own") == nil)
        let certificate = try SelfSignedCertificate.make(for: "mx.example", at: now)
        try folder.keep(certificate, as: "own")
        #expect(folder.certificate("own") == certificate)
        var status = stat()
        #expect(stat(folder.path + "/own.key", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        let other = try SelfSignedCertificate.make(for: "mx.example", at: now)
        try folder.keep(other, as: "own")
        #expect(folder.certificate("own") == other)
    }

    @Test("of a chain the first one counts") func chain() throws {
        let first = try SelfSignedCertificate.make(for: "mx.example", at: now), second = try SelfSignedCertificate.make(for: "root.example", at: now)
        #expect(CertificateFacts(chain: first.chain + Array("\n".utf8) + second.chain)?.names == ["mx.example"])
    }

    @Test("what is no certificate is none") func garbage() {
        #expect(CertificateFacts(chain: []) == nil)
        #expect(CertificateFacts(chain: [0xff, 0xfe]) == nil)
        #expect(CertificateFacts(chain: Array("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".utf8)) == nil)
    }
}
