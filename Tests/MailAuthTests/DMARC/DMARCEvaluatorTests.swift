import DNS
import MailAuth
import MessageFormat
import Ports
import Testing

@Suite("DMARC of RFC 9989") struct DMARCEvaluatorTests {
    static func evaluate(_ from: String, _ identities: AuthenticatedDomains, _ zone: String) throws -> (DMARCResult, [String]) {
        let loop = TestLoop(now: Timestamp(nanoseconds: 0))
        let lookups = Lookups(ZoneResolver(try Zone(json: Array(zone.utf8))), on: loop, deadline: loop.now + .seconds(20))
        var seen: DMARCResult?
        DMARCEvaluator(lookups).evaluate(try Domain(parsing: from), identities) { seen = $0 }
        loop.run()
        return (try #require(seen), lookups.asked.map { "\($0.name) \($0.type)" })
    }

    static func evaluate(_ from: String, _ zone: String) throws -> (DMARCResult, [String]) { try evaluate(from, .init(), zone) }

    @Test("The walk skips to seven labels") func walkOfLongNames() throws {
        let (_, asked) = try Self.evaluate("a.b.c.d.e.f.g.h.i.j.mail.example.com", "{}")
        #expect(asked.map { $0.prefix { $0 != " " } } == [
            "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com", "_dmarc.g.h.i.j.mail.example.com", "_dmarc.h.i.j.mail.example.com",
            "_dmarc.i.j.mail.example.com", "_dmarc.j.mail.example.com", "_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com",
        ])
    }

    @Test func strangersCostNoQuestion() throws {
        let zone = #"{"_dmarc.example.com": ["v=DMARC1; p=reject"]}"#
        let (result, asked) = try Self.evaluate("example.com", .init(spf: "evil.test", dkim: ["evil.test", "com"]), zone)
        #expect(result.result == .fail)
        #expect(result.disposition == .reject)
        #expect(asked.count == 2)
        #expect(result.reason == "passed, but not aligned with example.com: spf evil.test, dkim evil.test, dkim com")
    }

    @Test func aSubdomainOfItsOwnOrganizationDoesNotAlign() throws {
        let zone = """
            {"_dmarc.example.com": ["v=DMARC1; p=reject"], "_dmarc.tenant.example.com": ["v=DMARC1; p=none; psd=n"]}
            """
        let (up, _) = try Self.evaluate("example.com", .init(dkim: ["mail.tenant.example.com"]), zone)
        #expect(up.result == .fail)
        let (down, _) = try Self.evaluate("tenant.example.com", .init(spf: "example.com"), zone)
        #expect(down.result == .fail)
        #expect(down.organizationalDomain == "tenant.example.com")
    }

    @Test func severalRecordsAreNone() throws {
        let zone = #"{"_dmarc.a.example.com": ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "_dmarc.example.com": ["v=DMARC1; p=quarantine", "other"]}"#
        let (result, _) = try Self.evaluate("a.example.com", zone)
        #expect(result.policy == .quarantine)
        #expect(result.policyDomain == "example.com")
    }

    @Test func trouble() throws {
        let slow = #"{"_dmarc.example.com": {"rcode": "SERVFAIL"}}"#
        #expect(try Self.evaluate("a.example.com", slow).0.result == .temperror)
        #expect(try Self.evaluate("example.com", slow).0.policy == nil)
        // What is aligned without the Organizational Domain needs no answer from above.
        let above = #"{"_dmarc.a.example.com": ["v=DMARC1; p=reject"], "_dmarc.example.com": {"rcode": "TIMEOUT"}}"#
        #expect(try Self.evaluate("a.example.com", .init(dkim: ["a.example.com"]), above).0.result == .pass)
        #expect(try Self.evaluate("a.example.com", .init(dkim: ["example.com"]), above).0.result == .temperror)
        var identities = AuthenticatedDomains()
        identities.dkimFailedTemporarily = ["sub.example.com"]
        let zone = #"{"_dmarc.example.com": ["v=DMARC1; p=reject"]}"#
        let (result, _) = try Self.evaluate("example.com", identities, zone)
        #expect(result.result == .temperror)
        #expect(result.disposition == DMARCRecord.Policy.none)
    }

    @Test func testingLowersTheDisposition() throws {
        let zone = #"{"_dmarc.example.com": ["v=DMARC1; p=quarantine; t=y"]}"#
        let (result, _) = try Self.evaluate("example.com", zone)
        #expect(result.policy == .quarantine)
        #expect(result.disposition == DMARCRecord.Policy.none)
    }

    @Test func malformedRecords() {
        #expect(throws: DMARCRecordError.duplicateTag("p")) { try DMARCRecord(parsing: Array("v=DMARC1; p=none; P=reject".utf8)) }
        #expect(throws: DMARCRecordError.version) { try DMARCRecord(parsing: Array("p=none; v=DMARC1".utf8)) }
        #expect(throws: DMARCRecordError.version) { try DMARCRecord(parsing: [0xff, 0x3d, 0x00]) }
        #expect((try? DMARCRecord(parsing: Array("v=DMARC1; p=reject; \u{1}=; =x; np".utf8)))?.policy == .reject)
    }
}
