import Certificates
import Testing

@Suite("Certificate sources") struct CertificateSourceTests {
    @Test func filesDifferByPath() {
        #expect(CertificateSource.files(chain: "a", privateKey: "k") != .files(chain: "b", privateKey: "k"))
    }
}
