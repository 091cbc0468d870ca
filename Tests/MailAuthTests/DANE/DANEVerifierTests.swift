import Cryptography
import DNS
import Foundation
import MailAuth
import Ports
import Testing

@Suite("DANE verifier")
struct DANEVerifierTests {
    private let now = Timestamp(seconds: 1_800_000_000)
    private let names = ["mx.example.org"]

    private static func der(_ name: String) -> [UInt8] {
        var folder = URL(filePath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        let text = (try? String(contentsOf: folder.appending(path: "Fixtures/x509/\(name).pem"), encoding: .utf8)) ?? ""
        return Array(Data(base64Encoded: text.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()) ?? Data())
    }

    private let chain = [DANEVerifierTests.der("leaf"), DANEVerifierTests.der("intermediate"), DANEVerifierTests.der("root")]

    private func record(_ usage: UInt8, _ selector: UInt8, _ matching: UInt8, of der: [UInt8]) throws -> TLSARecord {
        let selected = selector == 0 ? der : try #require(X509Certificate(der: der)).subjectPublicKeyInfo
        let data = switch matching {
        case 1: HashFunction.sha256.hash(selected)
        case 2: HashFunction.sha512.hash(selected)
        default: selected
        }
        return TLSARecord(usage: usage, selector: selector, matching: matching, data: data)
    }

    @Test("every selector and matching type, for both usages", arguments: [0, 1] as [UInt8], [0, 1, 2] as [UInt8])
    func kinds(_ selector: UInt8, _ matching: UInt8) throws {
        let server = try record(3, selector, matching, of: chain[0])
        #expect(DANEVerifier(records: [server]).verify(chain: chain, referenceNames: [], at: now) == .authenticated(server, depth: 0))
        for depth in 1...2 {
            let anchor = try record(2, selector, matching, of: chain[depth])
            let verdict = DANEVerifier(records: [anchor]).verify(chain: chain, referenceNames: names, at: now)
            guard case .authenticated(anchor, _) = verdict else {
                Issue.record("\(anchor): \(verdict)")
                continue
            }
            let elsewhere = DANEVerifier(records: [anchor]).verify(chain: chain, referenceNames: ["other.example"], at: now)
            #expect(elsewhere == .refused(.wrongName(presented: ["mx.example.org", "*.wild.example.org"])))
        }
    }

    @Test("time means nothing to DANE-EE and all to DANE-TA")
    func time() throws {
        let late = Timestamp(seconds: 8_000_000_000)
        let server = try record(3, 1, 1, of: chain[0]), anchor = try record(2, 0, 1, of: chain[2])
        #expect(DANEVerifier(records: [server]).verify(chain: chain, referenceNames: [], at: late) == .authenticated(server, depth: 0))
        guard case .refused(.invalidChain(_, isExpired: true)) =
            DANEVerifier(records: [anchor]).verify(chain: chain, referenceNames: names, at: late) else {
            Issue.record("not expired")
            return
        }
    }

    @Test("an anchor of the same name with another key is none, and a leaf is no authority")
    func impostors() throws {
        let impostor = DANEVerifierTests.der("impostor")
        let anchor = try record(2, 0, 1, of: impostor)
        let verdict = DANEVerifier(records: [anchor]).verify(chain: [chain[0], chain[1], impostor], referenceNames: names, at: now)
        guard case .refused(.invalidChain) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(DANEVerifier(records: [try record(2, 0, 1, of: chain[0])]).verify(chain: chain, referenceNames: names, at: now)
            == .refused(.noMatch))
        let signed = DANEVerifierTests.der("signed-by-leaf")
        guard case .refused = DANEVerifier(records: [try record(2, 0, 1, of: chain[0])])
            .verify(chain: [signed] + chain, referenceNames: names, at: now) else {
            Issue.record("a leaf was taken for an authority")
            return
        }
    }

    @Test("usages 0 and 1, unknown numbers and digests of the wrong length cannot be used")
    func unusable() {
        let digest = [UInt8](repeating: 1, count: 32)
        let records = [
            TLSARecord(usage: 0, selector: 1, matching: 1, data: digest), TLSARecord(usage: 1, selector: 1, matching: 1, data: digest),
            TLSARecord(usage: 4, selector: 1, matching: 1, data: digest), TLSARecord(usage: 3, selector: 2, matching: 1, data: digest),
            TLSARecord(usage: 3, selector: 1, matching: 3, data: digest), TLSARecord(usage: 3, selector: 1, matching: 2, data: digest),
            TLSARecord(usage: 3, selector: 1, matching: 1, data: Array(digest.dropLast())),
            TLSARecord(usage: 2, selector: 0, matching: 0, data: digest),
            TLSARecord(usage: 3, selector: 1, matching: 0, data: [1]),
        ]
        #expect(!DANEVerifier(records: records).isUsable)
        #expect(DANEVerifier(records: records).verify(chain: chain, referenceNames: names, at: now) == .refused(.noUsableRecord))
    }

    @Test("a stronger digest of the same kind goes before a weaker one")
    func agility() throws {
        let weak = try record(3, 1, 1, of: chain[0])
        let strong = TLSARecord(usage: 3, selector: 1, matching: 2, data: [UInt8](repeating: 7, count: 64))
        let verifier = DANEVerifier(records: [weak, strong])
        #expect(verifier.records == [strong])
        #expect(verifier.verify(chain: chain, referenceNames: names, at: now) == .refused(.noMatch))
    }

    @Test("what a server presents may be anything")
    func garbage() throws {
        let verifier = DANEVerifier(records: [try record(3, 1, 1, of: chain[0]), try record(2, 0, 0, of: chain[2])])
        #expect(verifier.verify(chain: [], referenceNames: names, at: now) == .refused(.malformedChain))
        #expect(verifier.verify(chain: [[0x30]], referenceNames: names, at: now) == .refused(.malformedChain))
        let many = Array(repeating: chain[1], count: 1000) + [[]]
        _ = verifier.verify(chain: [DANEVerifierTests.der("common-name")] + many, referenceNames: names, at: now)
        #expect(DANEVerifier(records: Array(repeating: try record(3, 0, 1, of: chain[1]), count: 5000)).records.count == DANEVerifier.maxRecords)
    }

    @Test("the name of the records") func name() { #expect(TLSARecord.name(of: "mx.example.org", port: 25) == "_25._tcp.mx.example.org") }
}
