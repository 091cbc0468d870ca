import DNS
import Foundation
import MailAuth
import MessageFormat
import Ports
import Testing

@Suite("DMARC vectors", .enabled(if: Suites.has("dmarc-vectors"), "the suites are not here"))
struct DMARCSuiteTests {
    struct Identity: Decodable {
        let domain: String
        let result: String
    }

    struct Vector: Decodable {
        struct Expectation: Decodable {
            let result, spf, dkim, policy, disposition, org_domain: String?
            let max_dmarc_txt_queries: Int?
        }

        let id: String
        let header_from: String
        let spf, dkim: [Identity]
        let expect: Expectation
    }

    static func zones() throws -> [(Vector, Zone)] {
        let data = try Suites.data("dmarc-vectors/verify.json")
        let raw = try JSONSerialization.jsonObject(with: data) as? [[String: Any]] ?? []
        let shared = try Zone(json: Array(Suites.data("dmarc-vectors/mail-dmarc-zone.json")))
        return try zip(JSONDecoder().decode([Vector].self, from: data), raw).map { vector, entry in
            guard let zone = entry["zone"] as? [String: Any] else { return (vector, shared) }
            return (vector, try Zone(json: Array(JSONSerialization.data(withJSONObject: zone))))
        }
    }

    @Test func policiesAndAlignment() throws {
        let cases = try Self.zones()
        #expect(cases.count == 32)
        for (vector, zone) in cases {
            let loop = TestLoop(now: Timestamp(nanoseconds: 0))
            let lookups = Lookups(ZoneResolver(zone), on: loop, deadline: loop.now + .seconds(20))
            var identities = AuthenticatedDomains(dkim: vector.dkim.filter { $0.result == "pass" }.map(\.domain))
            identities.spf = vector.spf.first { $0.result == "pass" }?.domain
            var seen: DMARCResult?
            DMARCEvaluator(lookups).evaluate(try Domain(parsing: vector.header_from), identities) { seen = $0 }
            loop.run()
            let result = try #require(seen, "\(vector.id)")
            let expect = vector.expect
            if let word = expect.result { #expect(result.result.rawValue == word, "\(vector.id): \(result)") }
            if let word = expect.policy { #expect(result.policy?.rawValue == word, "\(vector.id): \(result)") }
            if let word = expect.disposition { #expect(result.disposition?.rawValue == word, "\(vector.id): \(result)") }
            if let word = expect.org_domain { #expect(result.organizationalDomain == word, "\(vector.id): \(result)") }
            if let word = expect.spf { #expect(result.alignedBy.contains(.spf) == (word == "pass"), "\(vector.id): \(result)") }
            if let word = expect.dkim { #expect(result.alignedBy.contains(.dkim) == (word == "pass"), "\(vector.id): \(result)") }
            if let most = expect.max_dmarc_txt_queries { #expect(lookups.asked.count { $0.type == .txt } <= most, "\(vector.id)") }
        }
    }

    @Test func recordsOfMailAuthAndOpenDMARC() throws {
        struct Case: Decodable {
            struct Parsed: Decodable { let p, sp, np, adkim, aspf, fo, t, psd: String?; let rua, ruf: [String]? }
            let record: String
            let valid, valid_rfc7489: Bool?
            let parsed: Parsed?
            let note: String?
        }
        for item in try JSONDecoder().decode([Case].self, from: Suites.data("dmarc-vectors/record-parse.json")) {
            let record = try? DMARCRecord(parsing: Array(item.record.utf8))
            let isUsable = record.map { !$0.isInapplicable } ?? false
            if let parsed = item.parsed {
                let record = try #require(record, "\(item.record)")
                if let p = parsed.p { #expect(record.policy.rawValue == p, "\(item.record)") }
                if let sp = parsed.sp { #expect(record.policy(forSubdomainThatExists: true).rawValue == sp, "\(item.record)") }
                if let np = parsed.np { #expect((record.nonexistentSubdomainPolicy ?? record.policy(forSubdomainThatExists: false)).rawValue == np) }
                if let adkim = parsed.adkim { #expect(record.dkimAlignment.rawValue == adkim) }
                if let aspf = parsed.aspf { #expect(record.spfAlignment.rawValue == aspf) }
                if let fo = parsed.fo { #expect(record.failureOptions.joined(separator: ":") == fo) }
                if let t = parsed.t { #expect(record.isTesting == (t == "y")) }
                if let psd = parsed.psd { #expect(record.publicSuffix.rawValue == psd) }
                // The size limit of RFC 7489 is no part of the address.
                if let rua = parsed.rua { #expect(record.aggregateReportURIs == rua.map { String($0.prefix { $0 != "!" }) }) }
            }
            if let valid = item.valid { #expect(isUsable == valid, "\(item.record)") }
            if let valid = item.valid_rfc7489 {
                // RFC 9989 §4.7: `p` may be missing, and bad values of other tags than the policies are ignored.
                let excused = ["adkim=bob", "aspf=bob", "rf=", "ri=bob", "pct="].contains { item.record.contains($0) }
                #expect(isUsable == (valid || excused), "\(item.record)")
            }
        }
    }

    @Test func recordsOfMox() throws {
        struct Case: Decodable { let input: String; let ok: Bool }
        // RFC 9989 reads what RFC 7489 refused: `p` anywhere or nowhere (§4.7), nothing after the version (§4.8),
        // and bad values of optional or removed tags, which are ignored (§4.8).
        let readByRFC9989: Set<String> = [
            "v=DMARC1", "v=DMARC1;", "v=DMARC1;;", "v=DMARC1; sp=reject; p=reject", "v=DMARC1; adkim=x", "v=DMARC1; aspf=123",
        ]
        let ignoredTags = ["ri=", "fo=", "rf=", "pct=", "rua="]
        for item in try JSONDecoder().decode([Case].self, from: Suites.data("dmarc-vectors/mox-record-parse.json")) {
            let record = try? DMARCRecord(parsing: Array(item.input.utf8))
            let isUsable = record.map { !$0.isInapplicable } ?? false
            let excused = readByRFC9989.contains(item.input) || ignoredTags.contains { item.input.hasPrefix("v=DMARC1; " + $0) }
            #expect(isUsable == (item.ok || excused), "\(item.input)")
        }
    }

    @Test func cleanRecordsOfMailCheck() throws {
        struct Case: Decodable { let record: String; let clean: Bool }
        for item in try JSONDecoder().decode([Case].self, from: Suites.data("dmarc-vectors/mailcheck-tag-values.json")) where item.clean {
            // The version is told apart by case (RFC 9989 §4.8); this source is lenient there.
            if item.record.hasPrefix("v=dmarc1") { continue }
            let record = try? DMARCRecord(parsing: Array(item.record.utf8))
            #expect(record.map { !$0.isInapplicable } == true, "\(item.record)")
        }
    }

    @Test func authors() throws {
        struct Case: Decodable { let from: String; let domain: String?; let source: String }
        // Rows that only a lenient reader finds an author in.
        let refused: Set<String> = [
            "\"Johnson, Joe <joe@joe.com>\" joe@joe.com", "<<<><joe@joe.com>>>", "Joe Johnson <joe@joe.com>, ace@ace.com",
            "joe@joe.com, ace@ace.com", "Mail From:<joe@joe.com>", "\"( bob@bob.com)\" joe@joe.com",
        ]
        for item in try JSONDecoder().decode([Case].self, from: Suites.data("dmarc-vectors/from-domain.json")) {
            let body = item.from.hasPrefix("From:") ? String(item.from.dropFirst(5)) : item.from
            let author = try? AuthorIdentity(parsing: Array(body.utf8))
            #expect(author?.domain.ascii == (refused.contains(item.from) ? nil : item.domain), "\(item.from)")
        }
    }

    @Test func appendixBPublishesPolicies() throws {
        let raw = try JSONSerialization.jsonObject(with: Suites.data("dmarc-vectors/rfc7489-appendix-b.json")) as? [[String: Any]] ?? []
        #expect(!raw.isEmpty)
        for item in raw {
            guard let input = item["input"] as? [String: Any], let from = input["from"] as? String,
                  let dns = input["dns"] as? [String: String], let expect = item["expect"] as? [[String: Any]],
                  let published = expect.first(where: { $0["path"] as? String == "shouldBeSigned" })?["assert"] as? String else { continue }
            let zone = Zone(Dictionary(uniqueKeysWithValues: dns.map { ($0.key, Zone.Entry([.txt(Array($0.value.utf8))])) }))
            let loop = TestLoop(now: Timestamp(nanoseconds: 0))
            let lookups = Lookups(ZoneResolver(zone), on: loop, deadline: loop.now + .seconds(20))
            var seen: DMARCResult?
            let domain = try EmailAddress(parsing: from).domain
            DMARCEvaluator(lookups).evaluate(try #require(domain), AuthenticatedDomains()) { seen = $0 }
            loop.run()
            #expect((seen?.policy != nil) == (published == "true"), "\(item["test"] ?? "")")
        }
    }

    @Test("Alignment under the suffix list", .enabled(if: Suites.has("psl"))) func alignmentByList() throws {
        struct Case: Decodable { let a, b, mode: String; let aligned: Bool }
        let list = try PublicSuffixList(parsing: Suites.data("psl/public_suffix_list.dat"))
        for item in try JSONDecoder().decode([Case].self, from: Suites.data("dmarc-vectors/alignment.json")) {
            guard let a = try? Domain(parsing: item.a), let b = try? Domain(parsing: item.b) else {
                // What is no domain (stray dots) is aligned with nothing; one source strips the dots.
                continue
            }
            let isAligned = item.mode == "s" ? a == b : list.organizationalDomain(of: a) == list.organizationalDomain(of: b)
            #expect(isAligned == item.aligned, "\(item)")
        }
    }
}
