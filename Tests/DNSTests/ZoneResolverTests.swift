import DNS
import Ports
import Synchronization
import Testing

@Suite struct ZoneResolverTests {
    /// Asks on a virtual loop; the answer and how long it took.
    static func ask(_ zone: Zone, _ name: String, _ type: RecordType) -> (DNSAnswer?, Duration) {
        let loop = VirtualLoop()
        let start = loop.now
        let result = Mutex<(DNSAnswer, Timestamp)?>(nil)
        let resolver = ZoneResolver(zone, timeToLive: .seconds(60))
        resolver.resolve(name, type, on: loop) { answer in result.withLock { $0 = (answer, loop.now) } }
        #expect(result.withLock { $0 == nil }, "a completion never runs before resolve returns")
        loop.drain()
        return result.withLock { ($0?.0, ($0?.1 ?? start) - start) }
    }

    static let zone = """
        {
          "d.example": {"MX": ["10 mx1.example", "20 MX2.example."], "TXT": ["v=spf1 -all", "b\\u00fc\\ud83d\\ude00"]},
          "mx1.example": {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"], "secure": true},
          "null.example": {"MX": ["0 ."]},
          "plain.example": ["one", "two"],
          "alias.example": {"CNAME": ["mx1.example"], "delay": 0.25},
          "secure.example": {"CNAME": ["mx1.example"], "secure": true, "delay": 1},
          "gone.example": {"CNAME": ["absent.example"]},
          "loop.example": {"CNAME": ["loop2.example"]},
          "loop2.example": {"CNAME": ["loop.example"]},
          "half.example": {"A": ["192.0.2.3"], "rcode": "SERVFAIL"},
          "slow.example": {"rcode": "TIMEOUT", "delay": 30},
          "none.example": {"A": ["192.0.2.3"], "AAAA": [], "rcode": "NXDOMAIN"},
          "forged.example": {"A": ["192.0.2.4"], "bogus": true, "secure": true},
          "10.2.0.192.in-addr.arpa": {"PTR": ["host.example"]},
          "_25._tcp.mx1.example": {"TLSA": ["3 1 1 ABcd01"], "secure": true}
        }
        """

    static let cases: [(String, RecordType, DNSAnswer, Duration)] = [
        ("D.Example.", .mx, answer("d.example", [.mx(preference: 10, exchange: "mx1.example"), .mx(preference: 20, exchange: "mx2.example")]), .zero),
        ("d.example", .txt, answer("d.example", [.txt(Array("v=spf1 -all".utf8)), .txt(Array("bü😀".utf8))]), .zero),
        ("d.example", .a, failed(.noData, "d.example"), .zero),
        ("mx1.example", .aaaa, answer("mx1.example", [.aaaa(.v6(high: 0x2001_0db8_0000_0000, low: 1))], isSecure: true), .zero),
        ("null.example", .mx, answer("null.example", [.mx(preference: 0, exchange: "")]), .zero),
        ("plain.example", .txt, answer("plain.example", [.txt(Array("one".utf8)), .txt(Array("two".utf8))]), .zero),
        ("absent.example", .a, failed(.nameError, "absent.example"), .zero),
        ("alias.example", .a, answer("mx1.example", [.a(.v4(0xc000_0201)), .a(.v4(0xc000_0202))]), .milliseconds(250)),
        ("alias.example", .cname, answer("alias.example", [.cname("mx1.example")]), .milliseconds(250)),
        ("secure.example", .aaaa, answer("mx1.example", [.aaaa(.v6(high: 0x2001_0db8_0000_0000, low: 1))], isSecure: true), .seconds(1)),
        ("gone.example", .mx, failed(.nameError, "absent.example"), .zero),
        ("loop.example", .a, failed(.serverFailure, "loop.example", reason: "CNAME loop at loop.example"), .zero),
        ("half.example", .a, answer("half.example", [.a(.v4(0xc000_0203))]), .zero),
        ("half.example", .mx, failed(.serverFailure, "half.example", reason: "the servers of half.example fail (SERVFAIL)"), .zero),
        ("slow.example", .a, failed(.timedOut, "slow.example", reason: "no answer for slow.example"), .seconds(30)),
        ("none.example", .mx, failed(.nameError, "none.example"), .zero),
        ("none.example", .aaaa, failed(.noData, "none.example"), .zero),
        ("forged.example", .a, failed(.bogus, "forged.example", reason: "DNSSEC validation failed: forged.example is bogus"), .zero),
        ("10.2.0.192.in-addr.arpa", .ptr, answer("10.2.0.192.in-addr.arpa", [.ptr("host.example")]), .zero),
        ("_25._tcp.mx1.example", .tlsa, answer("_25._tcp.mx1.example", [.tlsa(usage: 3, selector: 1, matching: 1, data: [0xab, 0xcd, 1])], isSecure: true), .zero),
        ("not a name", .a, DNSAnswer(.nameError, canonicalName: "not a name", reason: "not a domain name"), .zero),
    ]

    private static func answer(_ name: String, _ records: [DNSRecord], isSecure: Bool = false) -> DNSAnswer {
        DNSAnswer(.success, records: records, isSecure: isSecure, timeToLive: .seconds(60), canonicalName: name)
    }

    private static func failed(_ status: DNSAnswer.Status, _ name: String, reason: String? = nil) -> DNSAnswer {
        DNSAnswer(status, timeToLive: reason == nil ? .seconds(60) : .zero, canonicalName: name, reason: reason)
    }

    @Test(arguments: cases)
    func answers(name: String, type: RecordType, expected: DNSAnswer, delay: Duration) throws {
        let zone = try Zone(json: Array(ZoneResolverTests.zone.utf8))
        let (answer, taken) = ZoneResolverTests.ask(zone, name, type)
        #expect(answer == expected)
        #expect(taken == delay)
    }

    @Test func nullMX() throws {
        let zone = try Zone(json: Array(ZoneResolverTests.zone.utf8))
        #expect(ZoneResolverTests.ask(zone, "null.example", .mx).0?.isNullMX == true)
        #expect(ZoneResolverTests.ask(zone, "d.example", .mx).0?.isNullMX == false)
    }

    @Test func aNewZoneCounts() {
        let loop = VirtualLoop()
        let resolver = ZoneResolver(Zone())
        resolver.zone = Zone(["a.example": .init([.txt([0x61])])])
        let found = Mutex<[DNSRecord]>([])
        resolver.resolve("a.example", .txt, on: loop) { answer in found.withLock { $0 = answer.records } }
        loop.drain()
        #expect(found.withLock { $0 } == [.txt([0x61])])
    }
}

@Suite struct ZoneMistakeTests {
    static let mistakes: [(String, String)] = [
        ("", "line 1: expected a JSON value"),
        ("[]", "line 1: expected an object of names"),
        ("{\n\"a\": {},\n}", "line 3: expected a name in quotes"),
        ("{\"a\": {}\n\"b\": {}}", "line 2: expected ',' or '}'"),
        ("{\"a\": {}, \"a\": {}}", "line 1: expected every name once; \"a\" is there twice"),
        ("{} x", "line 1: expected nothing more after the end of the JSON text"),
        ("{\"a\": {\"TXT\": [\"\\ud800\"]}}", "line 1: expected a surrogate pair"),
        ("{\"a\": {\"TXT\": [\"x]}}", "line 1: expected '\"' at the end of the string"),
        (String(repeating: "[", count: 100_000), "line 1: expected fewer nested values"),
        ("{\"A.example\": {}}", "\"A.example\": expected a domain name in lower case without a final dot"),
        ("{\"a.\": {}}", "\"a.\": expected a domain name in lower case without a final dot"),
        ("{\"a\": 3}", "a: expected an object of records or a list of TXT strings"),
        ("{\"a\": {\"MX\": [\"10\"]}}", "a: MX \"10\": expected \"PREFERENCE HOST\""),
        ("{\"a\": {\"MX\": [\"70000 b\"]}}", "a: MX \"70000 b\": expected \"PREFERENCE HOST\""),
        ("{\"a\": {\"A\": [\"2001:db8::1\"]}}", "a: A \"2001:db8::1\": expected an IPv4 address"),
        ("{\"a\": {\"A\": \"192.0.2.1\"}}", "a: \"A\": expected a list of strings"),
        ("{\"a\": {\"TLSA\": [\"3 1 1 abc\"]}}", "a: TLSA \"3 1 1 abc\": expected \"USAGE SELECTOR MATCHING HEX\""),
        ("{\"a\": {\"CNAME\": [\"b\", \"c\"]}}", "a: CNAME: expected one name"),
        ("{\"a\": {\"rcode\": \"REFUSED\"}}", "a: \"rcode\": expected \"NXDOMAIN\", \"SERVFAIL\" or \"TIMEOUT\""),
        ("{\"a\": {\"delay\": -1}}", "a: \"delay\": expected seconds from 0 to 86400"),
        ("{\"a\": {\"delay\": 1e300}}", "a: \"delay\": expected seconds from 0 to 86400"),
        ("{\"a\": {\"secure\": 1}}", "a: \"secure\": expected true or false"),
        ("{\"a\": {\"SRV\": []}}", "a: \"SRV\": expected one of A, CNAME, PTR, MX, TXT, AAAA, TLSA, rcode, secure, bogus, delay"),
    ]

    @Test(arguments: mistakes)
    func isNamed(text: String, message: String) {
        #expect { try Zone(json: Array(text.utf8)) } throws: { "\($0)" == message }
    }

    @Test func everyPrefixIsSurvived() {
        let text = Array(ZoneResolverTests.zone.utf8)
        for length in 0..<text.count { _ = try? Zone(json: Array(text[..<length])) }
    }

    @Test func anAbsentFile() {
        #expect { try Zone(contentsOf: "/nonexistent/zone.json") } throws: {
            "\($0)" == "/nonexistent/zone.json: No such file or directory"
        }
    }
}
