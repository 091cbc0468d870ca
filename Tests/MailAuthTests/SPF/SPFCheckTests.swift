import DNS
import MailAuth
import MessageFormat
import Ports
import Testing

@Suite("SPF") struct SPFCheckTests {
    static func check(_ request: SPFRequest, _ zone: Zone, limit: Int = 200) throws -> SPFResult {
        let loop = TestLoop(now: Timestamp(seconds: 1_700_000_000))
        let lookups = Lookups(ZoneResolver(zone), on: loop, limit: limit, deadline: loop.now + .seconds(20))
        var results: [SPFResult] = []
        SPFCheck.run(request, lookups) { results.append($0) }
        loop.run()
        return try #require(results.count == 1 ? results.first : nil)
    }

    static func records(_ texts: [String: String]) -> Zone {
        Zone(texts.mapValues { Zone.Entry([.txt(Array($0.utf8))]) })
    }

    static func request(_ mailFrom: String = "joe@a.example", helo: String = "mx.example") throws -> SPFRequest {
        SPFRequest(client: try #require(IPAddress("192.0.2.1")), helo: helo, mailFrom: mailFrom)
    }

    static let reasonCases: [(String, AuthenticationResult, String, Int)] = [
        ("v=spf1 ip4:192.0.2.0/24 -all", .pass, "192.0.2.1 matches ip4:192.0.2.0/24 in the SPF record of a.example", 0),
        ("v=spf1 -all", .fail, "192.0.2.1 matches -all in the SPF record of a.example", 0),
        ("v=spf1", .neutral, "nothing in the SPF record of a.example matches 192.0.2.1", 0),
        ("v=spf1 a:museum", .permerror, "the SPF record of a.example is wrong at \"a:museum\": the domain ends in neither a macro nor a dot and a top-level label", 0),
        ("v=spf1 include:none.example -all", .permerror, "none.example has no SPF record", 1),
        ("v=spf1 a:x.example a:y.example a:z.example -all", .permerror, "more than 2 names do not exist: z.example is one too many", 3),
        ("v=spf1 redirect=a.example", .permerror, "more than 10 terms ask DNS: redirect in the SPF record of a.example is one too many", 10),
    ]

    @Test("A name that leads elsewhere is no void lookup (RFC 7208 §4.6.4)") func pointersThatLeadElsewhere() throws {
        var zone = SPFCheckTests.records(["a.example": "v=spf1 exists:none.example ptr a:nobody.example ?all"])
        zone.names["1.2.0.192.in-addr.arpa"] = Zone.Entry([.ptr("other.example")])
        zone.names["other.example"] = Zone.Entry([.a(try #require(IPAddress("192.0.2.9")))])
        #expect(try SPFCheckTests.check(SPFCheckTests.request(), zone).result == .neutral)
        zone.names["1.2.0.192.in-addr.arpa"] = nil
        #expect(try SPFCheckTests.check(SPFCheckTests.request(), zone).result == .permerror)
    }

    @Test(arguments: reasonCases)
    func reasons(record: String, result: AuthenticationResult, reason: String, lookups: Int) throws {
        let found = try SPFCheckTests.check(SPFCheckTests.request(), SPFCheckTests.records(["a.example": record]))
        #expect(found.result == result)
        #expect(found.reason == reason)
        #expect(found.lookups == lookups)
        #expect(found.domain == "a.example")
    }

    @Test("The null reverse-path checks the HELO identity (RFC 7208 §2.4)") func helo() throws {
        let zone = SPFCheckTests.records(["mx.example": "v=spf1 ip4:192.0.2.1 -all"])
        let request = SPFRequest(client: .v4(0xc000_0201), helo: "mx.example", reversePath: .null)
        let found = try SPFCheckTests.check(request, zone)
        #expect(found.result == .pass)
        #expect(found.identity == .helo)
        let field = String(decoding: found.receivedField(request, receiver: "us.example").wire, as: UTF8.self)
        #expect(field.replacing("\r\n ", with: " ") == """
            Received-SPF: pass (us.example: 192.0.2.1 matches ip4:192.0.2.1 in the SPF record of mx.example) client-ip=192.0.2.1; \
            envelope-from=""; helo=mx.example; identity=helo; receiver=us.example; mechanism="ip4:192.0.2.1"\r\n
            """)
    }

    // HOSTILE 20: what broke other engines.
    static let hostile: [(String, AuthenticationResult)] = [
        ("v=spf1 exists:%{d9999}.x.example -all", .fail),
        ("v=spf1 exists:%{d99999999999999999999999}.x.example -all", .fail),
        ("v=spf1 exists:%{d0}.x.example -all", .permerror),
        ("v=spf1 exists:%{l}.x.example -all", .fail),
        ("v=spf1 exists:%{l9999r.-+,/_=}.x.example -all", .fail),
        ("v=spf1 exists:\(String(repeating: "%{s}", count: 2560)).x.example -all", .fail),
        ("v=spf1 exists:\(String(repeating: "a", count: 20_000)).example -all", .permerror),
        ("v=spf1 exists:%{", .permerror), ("v=spf1 exists:%{}", .permerror), ("v=spf1 exists:%", .permerror),
        ("v=spf1 \(String(repeating: "?ip4:192.0.2.2 ", count: 1000))-all", .fail),
        ("v=spf1 ip4:1.2.3.4/99999999999999999999", .permerror), ("v=spf1 a/ -all", .permerror),
        ("v=spf1 include:a.example include:a.example", .permerror), ("v=spf1 ptr:%{p} -all", .fail),
    ]

    @Test(arguments: hostile)
    func hostileRecords(record: String, result: AuthenticationResult) throws {
        let request = try SPFCheckTests.request(String(repeating: ".", count: 200) + "@a.example")
        let found = try SPFCheckTests.check(request, SPFCheckTests.records(["a.example": record, "b.example": record]))
        #expect(found.result == result, "\(found)")
        #expect(found.lookups <= 10)
    }

    @Test("A chain of eleven includes is too long (HOSTILE 20)") func includeChain() throws {
        var texts: [String: String] = ["a.example": "v=spf1 include:n0.example"]
        for index in 0..<11 { texts["n\(index).example"] = "v=spf1 include:n\(index + 1).example" }
        texts["n10.example"] = "v=spf1 +all"
        #expect(try SPFCheckTests.check(SPFCheckTests.request(), SPFCheckTests.records(texts)).result == .permerror)
        texts["n9.example"] = "v=spf1 +all"
        #expect(try SPFCheckTests.check(SPFCheckTests.request(), SPFCheckTests.records(texts)).result == .pass)
    }

    @Test("A spent budget is a temporary error") func budget() throws {
        let zone = SPFCheckTests.records(["a.example": "v=spf1 a:a.example -all"])
        #expect(try SPFCheckTests.check(SPFCheckTests.request(), zone, limit: 1).result == .temperror)
    }

    @Test("A local part outside of ASCII matches nothing (RFC 8616 §4)") func unicodeLocalPart() throws {
        let zone = SPFCheckTests.records(["a.example": "v=spf1 exists:%{l}.x.example -all"])
        #expect(try SPFCheckTests.check(SPFCheckTests.request("j\u{f6}@a.example"), zone).result == .fail)
        #expect(try SPFCheckTests.check(SPFCheckTests.request("joe@b\u{fc}cher.example"),
                                        SPFCheckTests.records(["xn--bcher-kva.example": "v=spf1 +all"])).result == .pass)
    }

    @Test("An explanation brings in no control") func explanation() throws {
        let zone = SPFCheckTests.records(["a.example": "v=spf1 -all exp=e.example", "e.example": "%{h} may not send"])
        let found = try SPFCheckTests.check(SPFCheckTests.request(helo: "x\u{1b}[2J\r\ny"), zone)
        #expect(found.explanation == "x?[2J??y may not send")
    }

    @Test("Every prefix of a record is survived") func prefixes() {
        let record = Array("v=spf1 +a:%{ir}.%{v}.b.example/24//64 -mx ptr ?exists:%{L2R-}.c.example ip6:2001:db8::/32 redirect=d.example exp=e.example".utf8)
        for length in 0...record.count { _ = try? SPFRecord(parsing: Array(record[..<length])) }
    }
}
