import MailAuth
import MessageFormat
import Ports
import Testing

@Suite struct SRSTests {
    let now = Timestamp(seconds: 1_577_836_860)

    func scheme(_ secrets: String...) throws -> SRS {
        try #require(SRS(domain: Domain(parsing: "fwd.example"), secrets: secrets.map { Array($0.utf8) }))
    }

    func address(_ text: String) throws -> EmailAddress { try EmailAddress(parsing: text, limits: AddressLimits(localPart: 200)) }

    @Test func roundTripInAnyCase() throws {
        let srs = try scheme("new", "old")
        let alice = try address("Alice@a.example")
        let sent = try #require(try scheme("old").forward(alice, at: now))
        #expect(srs.reverse(sent, at: now) == .address(alice), "an old secret still verifies")
        let lower = try address(sent.description.lowercased())
        #expect(srs.reverse(lower, at: now) == .address(try address("alice@a.example")))
    }

    @Test func expires() throws {
        let srs = try scheme("s")
        let sent = try #require(srs.forward(try address("a@b.example"), at: now))
        #expect(srs.reverse(sent, at: now + .days(21)) != .expired)
        #expect(srs.reverse(sent, at: now + .days(22)) == .expired)
        #expect(srs.reverse(sent, at: now - .days(1)) != .expired, "the other clock may be a day ahead")
        #expect(srs.reverse(sent, at: now - .days(2)) == .expired)
    }

    @Test(arguments: ["SRS0=AAAA=2W=b.example=a", "SRS0=", "SRS0=x", "SRS0====", "srs1=AAAA=b.example==x=y=z=a", "SRS1=", "SRS0=AAAA=2W=b.example="])
    func forged(local: String) throws {
        let recipient = try EmailAddress(localPart: local, host: .domain(Domain(parsing: "fwd.example")))
        #expect(try scheme("s").reverse(recipient, at: now) == .forged)
    }

    @Test func leavesOthersAlone() throws {
        let srs = try scheme("s")
        #expect(srs.forward(try address("a@fwd.example"), at: now) == nil)
        #expect(srs.forward(try address("a@[192.0.2.1]"), at: now) == nil)
        #expect(srs.forward(try address(String(repeating: "a", count: 190) + "@b.example"), at: now) == nil, "no room")
        #expect(srs.reverse(try address("SRS0=x=y=z=a@other.example"), at: now) == .notRewritten)
        #expect(srs.reverse(try address("srsly@fwd.example"), at: now) == .notRewritten)
        #expect(SRS(domain: try Domain(parsing: "fwd.example"), secrets: []) == nil)
        #expect(SRS(domain: try Domain(parsing: "fwd.example"), secrets: [[]]) == nil)
    }
}
