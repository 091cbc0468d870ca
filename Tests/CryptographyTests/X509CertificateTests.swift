import Foundation
import Ports
import Testing

@testable import Cryptography

/// Certificates of Tests/Fixtures/x509: root ← intermediate ← leaf, and others that try to look like them.
enum X509Fixture: String, CaseIterable {
    case root, intermediate, leaf, nul, impostor
    case commonName = "common-name"
    case signedByLeaf = "signed-by-leaf"

    var der: [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/x509")
        let text = (try? String(contentsOf: folder.appending(path: rawValue + ".pem"), encoding: .utf8)) ?? ""
        return Array(Data(base64Encoded: text.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()) ?? Data())
    }

    func certificate() throws -> X509Certificate { try #require(X509Certificate(der: der)) }
}

@Suite("X.509 certificates")
struct X509CertificateTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    @Test("the parts of a certificate")
    func parts() throws {
        let leaf = try X509Fixture.leaf.certificate()
        #expect(leaf.dnsNames == ["mx.example.org", "*.wild.example.org"])
        #expect(leaf.subject == "/CN=ignored.example.org" && leaf.issuer == "/CN=Test Intermediate")
        #expect(try #require(leaf.validity).contains(now))
        #expect(leaf.subjectPublicKeyInfo.count == 91 && X509Certificate.isPublicKey(leaf.subjectPublicKeyInfo))
        #expect(!X509Certificate.isPublicKey(leaf.subjectPublicKeyInfo + [0]) && !X509Certificate.isPublicKey([]))
    }

    @Test("names", arguments: [
        (X509Fixture.leaf, "mx.example.org", true), (.leaf, "MX.EXAMPLE.ORG", true), (.leaf, "a.wild.example.org", true),
        (.leaf, "wild.example.org", false), (.leaf, "a.b.wild.example.org", false), (.leaf, "ignored.example.org", false),
        (.leaf, "example.org", false), (.leaf, ".example.org", false), (.leaf, "", false), (.leaf, "192.0.2.1", false),
        (.commonName, "cn.example.org", true), (.commonName, "mx.example.org", false),
        (.nul, "mx.example.org", false), (.nul, "mx.example.org\0.evil.example.cc", false),
    ])
    func names(_ fixture: X509Fixture, _ name: String, _ matches: Bool) throws {
        #expect(try fixture.certificate().isFor(hostName: name) == matches)
    }

    @Test("signatures")
    func signatures() throws {
        let root = try X509Fixture.root.certificate(), intermediate = try X509Fixture.intermediate.certificate()
        let leaf = try X509Fixture.leaf.certificate(), impostor = try X509Fixture.impostor.certificate()
        #expect(leaf.isIssued(by: intermediate) && intermediate.isIssued(by: root) && root.isIssued(by: root))
        #expect(!leaf.isIssued(by: root) && !intermediate.isIssued(by: impostor) && !root.isIssued(by: leaf))
        #expect(leaf.isSigned(byKey: intermediate.subjectPublicKeyInfo) && !leaf.isSigned(byKey: leaf.subjectPublicKeyInfo))
        #expect(!leaf.isSigned(byKey: [0x30, 0x03]))
    }

    @Test("paths")
    func paths() throws {
        let root = try X509Fixture.root.certificate(), intermediate = try X509Fixture.intermediate.certificate()
        let leaf = try X509Fixture.leaf.certificate(), impostor = try X509Fixture.impostor.certificate()
        let signedByLeaf = try X509Fixture.signedByLeaf.certificate()
        #expect(X509Path.verify(leaf, intermediates: [intermediate], anchors: [root], at: now) == .valid(depth: 2))
        #expect(X509Path.verify(leaf, intermediates: [root, intermediate], anchors: [intermediate], at: now) == .valid(depth: 1))
        func refused(_ result: X509Path.Result) -> Bool { if case .invalid(_, isExpired: false) = result { true } else { false } }
        #expect(refused(X509Path.verify(leaf, intermediates: [], anchors: [root], at: now)))
        #expect(refused(X509Path.verify(leaf, intermediates: [intermediate], anchors: [], at: now)))
        #expect(refused(X509Path.verify(leaf, intermediates: [intermediate], anchors: [impostor], at: now)))
        // What is no authority cannot make one.
        #expect(refused(X509Path.verify(signedByLeaf, intermediates: [leaf, intermediate], anchors: [root], at: now)))
        for moment in [Timestamp(seconds: 1_000_000_000), Timestamp(seconds: 8_000_000_000)] {
            guard case .invalid(_, isExpired: true) = X509Path.verify(leaf, intermediates: [intermediate], anchors: [root], at: moment) else {
                Issue.record("valid at \(moment)")
                continue
            }
        }
    }

    @Test("octets that are no certificate are refused, and damaged ones harm nobody")
    func damage() throws {
        let der = X509Fixture.leaf.der
        let intermediate = try X509Fixture.intermediate.certificate(), root = try X509Fixture.root.certificate()
        for count in 0..<der.count { #expect(X509Certificate(der: Array(der.prefix(count))) == nil) }
        #expect(X509Certificate(der: der + [0]) == nil)
        #expect(X509Certificate(der: [UInt8](repeating: 0x30, count: X509Certificate.maxOctets + 1)) == nil)
        for index in der.indices {
            for flip: UInt8 in [0x01, 0x80, 0xff] {
                var damaged = der
                damaged[index] ^= flip
                guard let certificate = X509Certificate(der: damaged) else { continue }
                _ = (certificate.dnsNames, certificate.subject, certificate.validity, certificate.subjectPublicKeyInfo)
                _ = certificate.isFor(hostName: "mx.example.org")
                let result = X509Path.verify(certificate, intermediates: [intermediate], anchors: [root], at: now)
                if case .valid = result { Issue.record("octet \(index) may change") }
            }
        }
    }
}
