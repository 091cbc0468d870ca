import DNS
import Foundation
import MailAuth
import MessageFormat
import Ports
import Testing

@Suite("DKIM: third-party messages") struct DKIMSuiteTests {
    struct Case: Decodable, Sendable {
        let file: String
        let expect_rfc6376: String
        let rfc8301: String?
    }

    struct DkimpyCase: Decodable, Sendable {
        let file: String
        let dns: [String: [String]]
        let expect: [String]
    }

    struct SyntaxCase: Decodable, Sendable {
        let input: String
        let ok: Bool
        let go_expect: String?
        let note: String?
    }

    /// Keys of 512 bits and SHA-1 were in use when the messages were signed.
    static let historic = DKIMVerifierSettings(requirements: SignatureRequirements(rsaBitsMin: 512, allowsSHA1: true))

    @Test("Mail::DKIM corpus", .enabled(if: Suites.has("dkim-mail-dkim"), "suites are not here"))
    func mailDKIM() throws {
        let zone = try DKIMSuiteTests.zone(Suites.data("dkim-mail-dkim/dns.json"))
        let cases = try JSONDecoder().decode([Case].self, from: Suites.data("dkim-mail-dkim/cases.json"))
        #expect(cases.count == 79)
        for test in cases {
            let message = [UInt8](try Suites.data("dkim-mail-dkim/\(test.file)"))
            // 2007-01-01, before the first `x=` of the corpus; the one that must have expired is looked at later.
            let now = Timestamp(seconds: test.file.contains("ignore_7") ? 1_262_304_000 : 1_167_609_600)
            let results = try verify(message, zone, at: now, DKIMSuiteTests.historic)
            #expect(best(results) == test.expect_rfc6376, "\(test.file): \(results)")
            let strict = try verify(message, zone, at: now, .standard)
            if test.rfc8301 != nil { #expect(best(strict) != "pass", "\(test.file) with SHA-1 refused") }
        }
    }

    @Test("dkimpy messages", .enabled(if: Suites.has("dkim-dkimpy"), "suites are not here"))
    func dkimpy() throws {
        for test in try JSONDecoder().decode([DkimpyCase].self, from: Suites.data("dkim-dkimpy/cases.json")) {
            let message = [UInt8](try Suites.data("dkim-dkimpy/\(test.file)"))
            let zone = Zone(test.dns.mapValues { Zone.Entry($0.map { .txt(Array($0.utf8)) }) })
            let results = try verify(withLineEnds(message), zone, at: Timestamp(seconds: 1_600_000_000), DKIMSuiteTests.historic)
            let words = results.map(\.result.rawValue)
            switch test.file {
            // The domain is refused before any question is asked.
            case "data/test.message.baddomain": #expect(words == ["permerror"])
            // Its key is not among those of the case: dkimpy says fail of everything but a pass (RFC 6376 §6.1.2, step 3).
            case "data/message.mbox": #expect(words == ["permerror"])
            // A defective key record is no key (RFC 6376 §6.1.2, step 2), one of the wrong domain none either.
            case "data/rfc6376.signed.rsa.msg": #expect(words.allSatisfy { $0 != "pass" } && words.count == 1)
            default: #expect(words.count >= test.expect.count && zip(words, test.expect).allSatisfy { $0 == $1 }, "\(test.file): \(results)")
            }
        }
    }

    @Test("mox syntax", .enabled(if: Suites.has("dkim-parse-mox"), "suites are not here"))
    func mox() throws {
        for test in try JSONDecoder().decode([SyntaxCase].self, from: Suites.data("dkim-parse-mox/signature.json")) {
            // Whether UTF-8 may occur depends on the message around the field, which this form of the test does not have.
            if test.note == "No UTF-8 allowed." { continue }
            let header = try MessageHeader(scanning: Array(test.input.utf8))
            let signature = header.fields("DKIM-Signature").first.map { field in
                Result { () throws(SignatureFailure) in try DKIMSignature(parsing: header.body(of: field)) }
            }
            let isValid = (try? signature?.get()).map { $0.signedFields.contains("From") } ?? false
            #expect(isValid == test.ok, "\(test.input): \(String(describing: signature))")
        }
        for test in try JSONDecoder().decode([SyntaxCase].self, from: Suites.data("dkim-parse-mox/record.json")) {
            let record = try? KeyRecord(parsing: Array(test.input.utf8))
            let isUsable = record.map { !$0.isRevoked && (try? PublicKey($0)) != nil } ?? false
            // A record whose `p=` is empty parses and verifies nothing.
            #expect(test.ok ? record != nil : !isUsable, "\(test.input)")
        }
    }

    private func best(_ results: [DKIMResult]) -> String {
        for word in [AuthenticationResult.pass, .fail, .policy, .temperror, .permerror] where results.contains(where: { $0.result == word }) {
            return word.rawValue
        }
        return "none"
    }

    private static func zone(_ data: Data) throws -> Zone {
        guard let names = try JSONSerialization.jsonObject(with: data) as? [String: Any] else { return Zone() }
        var zone = Zone()
        for (name, value) in names {
            var entry = Zone.Entry()
            switch value {
            case let texts as [String]: entry = Zone.Entry(texts.map { .txt(Array($0.utf8)) })
            case "NXDOMAIN" as String: entry.status = .nameError
            case "TIMEOUT" as String: entry.status = .timedOut
            default: entry.status = .serverFailure
            }
            zone.names[name.lowercased()] = entry
        }
        return zone
    }
}
