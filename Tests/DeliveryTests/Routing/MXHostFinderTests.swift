import Delivery
import DNS
import Ports
import Testing

@Suite struct MXHostFinderTests {
    private static let zone = #"""
    {
      "y.example": {"MX": ["20 c.mx.example", "10 a.mx.example", "10 b.mx.example"]},
      "null.example": {"MX": ["0 ."]},
      "implicit.example": {"A": ["192.0.2.1"]},
      "implicit6.example": {"AAAA": ["2001:db8::1"]},
      "textonly.example": {"TXT": ["x"]},
      "servfail.example": {"rcode": "SERVFAIL"},
      "timeout.example": {"rcode": "TIMEOUT"},
      "bogus.example": {"MX": ["10 a.mx.example"], "bogus": true},
      "alias.example": {"CNAME": ["y.example"]},
      "loop1.example": {"CNAME": ["loop2.example"]},
      "loop2.example": {"CNAME": ["loop1.example"]},
      "self.example": {"MX": ["10 me.example", "20 b.mx.example"]},
      "backup.example": {"MX": ["10 a.mx.example", "20 me.example", "20 b.mx.example", "30 c.mx.example"]},
      "me.example": {"A": ["192.0.2.9"]},
      "numeric.example": {"MX": ["10 192.0.2.1"]},
      "mixed.example": {"MX": ["10 .", "20 a.mx.example", "20 A.MX.EXAMPLE."]},
      "halfdead.example": {"rcode": "SERVFAIL", "A": []}
    }
    """#

    private func find(_ domain: String, seed: UInt64 = 1, zone: String = zone) throws -> MailHostAnswer.Result {
        let loop = VirtualLoop()
        let resolver = ZoneResolver(try Zone(json: Array(zone.utf8)))
        let own = OwnHost(names: ["me.example"], listeners: [endpoint("0.0.0.0")])
        let finder = MXHostFinder(resolver: resolver, random: SeededRandom(seed), own: own)
        let box = Box()
        finder.findHosts(of: domain, port: 25, on: loop) { box.answers.append($0) }
        loop.advance(by: .minutes(5))
        #expect(box.answers.count == 1)
        return try #require(box.answers.first).result
    }

    private final class Box: @unchecked Sendable {
        var answers: [MailHostAnswer] = []
    }

    private func hosts(_ names: (String, UInt16)...) -> MailHostAnswer.Result {
        .hosts(names.map { HopHost(.name($0.0), port: 25, preference: $0.1) })
    }

    @Test func byPreferenceAndAtRandomAmongEquals() throws {
        let one = hosts(("a.mx.example", 10), ("b.mx.example", 10), ("c.mx.example", 20))
        let two = hosts(("b.mx.example", 10), ("a.mx.example", 10), ("c.mx.example", 20))
        let found = try (0..<40).map { try find("y.example", seed: UInt64($0)) }
        #expect(found.allSatisfy { $0 == one || $0 == two })
        #expect(found.contains(one) && found.contains(two))
        let alias = try find("alias.example")
        #expect(alias == one || alias == two)
    }

    @Test func withoutMX() throws {
        #expect(try find("null.example") == .undeliverable(.nullMX))
        #expect(try find("implicit.example") == hosts(("implicit.example", 0)))
        #expect(try find("implicit6.example") == hosts(("implicit6.example", 0)))
        #expect(try find("textonly.example") == .undeliverable(.noMailHost))
        #expect(try find("nowhere.example") == .undeliverable(.noSuchDomain))
    }

    @Test func noAnswerNow() throws {
        for domain in ["servfail.example", "timeout.example", "bogus.example", "loop1.example"] {
            #expect(try find(domain) == .unavailable)
        }
    }

    @Test func thisHostAmongTheMX() throws {
        #expect(try find("self.example") == .undeliverable(.loopsBack))
        #expect(try find("backup.example") == hosts(("a.mx.example", 10)))
        #expect(try find("me.example") == .undeliverable(.loopsBack))
    }

    @Test func malformedMX() throws {
        #expect(try find("numeric.example") == .undeliverable(.malformedMX))
        #expect(try find("mixed.example") == hosts(("a.mx.example", 20)))
    }

    @Test func addressLiterals() throws {
        #expect(try find("[192.0.2.1]") == .hosts([HopHost(.address(try #require(IPAddress("192.0.2.1"))), port: 25)]))
        #expect(try find("[2001:db8::1]") == .hosts([HopHost(.address(try #require(IPAddress("2001:db8::1"))), port: 25)]))
        #expect(try find("[127.0.0.1]") == .undeliverable(.loopsBack))
        #expect(try find("[0.0.0.0]") == .undeliverable(.noMailHost))
    }

    @Test func aThousandMXRecords() throws {
        let records = (0..<1000).map { "\"10 h\($0).example\"" }.joined(separator: ",")
        let zone = "{\"many.example\": {\"MX\": [\(records)]}}"
        guard case .hosts(let first) = try find("many.example", seed: 1, zone: zone),
              case .hosts(let second) = try find("many.example", seed: 2, zone: zone) else { Issue.record("no hosts"); return }
        #expect(first.count == MXHostFinder.maxHosts)
        // The site is the set of hosts: chance orders it but must not choose it.
        #expect(Set(first) == Set(second))
        #expect(first != second)
    }
}
