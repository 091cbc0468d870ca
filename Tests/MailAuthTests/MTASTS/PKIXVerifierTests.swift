import Foundation
import MailAuth
import Ports
import Testing

@Suite("PKIX verifier")
struct PKIXVerifierTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/x509")

    private func der(_ name: String) throws -> [UInt8] {
        let text = try String(contentsOf: PKIXVerifierTests.folder.appending(path: name + ".pem"), encoding: .utf8)
        return Array(try #require(Data(base64Encoded: text.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined())))
    }

    @Test("what TLS reports call each way to fail")
    func problems() throws {
        let now = Timestamp(seconds: 1_800_000_000)
        let verifier = PKIXVerifier(trustedCertificateFiles: [PKIXVerifierTests.folder.appending(path: "root.pem").path])
        let chain = [try der("leaf"), try der("intermediate")]
        #expect(verifier.problem(with: chain, host: "mx.example.org", at: now) == nil)
        #expect(verifier.problem(with: chain, host: "mx.example.com", at: now) == .certificateHostMismatch)
        #expect(verifier.problem(with: chain, host: "mx.example.org", at: Timestamp(seconds: 8_000_000_000)) == .certificateExpired)
        #expect(verifier.problem(with: [chain[0]], host: "mx.example.org", at: now) == .certificateNotTrusted)
        #expect(verifier.problem(with: [try der("signed-by-leaf")] + chain, host: "mx.example.org", at: now) == .certificateNotTrusted)
        #expect(verifier.problem(with: [], host: "mx.example.org", at: now) == .validationFailure)
        let none = PKIXVerifier(trustedCertificateFiles: ["/nonexistent.pem"])
        #expect(none.problem(with: chain, host: "mx.example.org", at: now) == .certificateNotTrusted)
    }
}
