import DNS
import MessageFormat
import Ports
@testable import Receiving
import SMTP
import Testing

@Suite struct GreylistTests {
    private func world(_ names: [String: [DNSRecord]] = [:]) throws -> PolicyWorld {
        try PolicyWorld(names) { $0.greylist.mode = .enforce }
    }

    @Test("A first attempt is put off, an early second one too, a later one gets in")
    func triplets() throws {
        let world = try world()
        #expect(try world.attempt() == "450 4.7.1 Greylisted, try again in 120 seconds\r\n")
        world.world.loop.advance(by: .seconds(60))
        #expect(try world.attempt().hasPrefix("450 4.7.1 Greylisted, try again in 5"))
        world.world.loop.advance(by: .seconds(61))
        #expect(try world.attempt(from: "198.51.100.77").hasPrefix("250"), "a neighbour of the /24")
        #expect(try world.attempt(to: "bob@local.example").hasPrefix("450"), "another triplet")
        #expect(try world.attempt(from: "198.51.101.1").hasPrefix("450"), "another network")
        world.world.loop.advance(by: .hours(25))
        #expect(try world.attempt().hasPrefix("250"), "who has passed is remembered")
        #expect(try world.attempt(to: "bob@local.example").hasPrefix("450"), "who never came again is not")
    }

    @Test("A pool that has passed twice is let in with everything")
    func trust() throws {
        let world = try world()
        for recipient in ["alice@local.example", "bob@local.example"] {
            _ = try world.attempt(to: recipient)
            world.world.loop.advance(by: .minutes(3))
            #expect(try world.attempt(to: recipient).hasPrefix("250"))
        }
        #expect(try world.attempt(sender: "new@elsewhere.example", to: "admin@local.example").hasPrefix("250"))
        world.world.loop.advance(by: .days(37))
        #expect(try world.attempt(sender: "newer@elsewhere.example").hasPrefix("450"))
    }

    @Test("Hosts with confirmed names in one domain are one pool; customers named after their addresses are not")
    func pools() throws {
        let world = try world([
            "1.100.51.198.in-addr.arpa": [.ptr("out-a1.big.example")], "out-a1.big.example": [.a(.v4(0xc633_6401))],
            "9.113.0.203.in-addr.arpa": [.ptr("out-b7.big.example")], "out-b7.big.example": [.a(.v4(0xcb00_7109))],
        ])
        _ = try world.attempt(from: "198.51.100.1")
        world.world.loop.advance(by: .minutes(3))
        #expect(try world.attempt(from: "203.0.113.9").hasPrefix("250"))

        func pool(_ address: String, _ name: String?, _ domain: String? = nil) throws -> String {
            ClientPool(try #require(IPAddress(address)), name: name, authorisedBy: domain).description
        }
        #expect(try pool("198.51.100.1", "mail-x.outbound.protection.big.example") == "name big.example")
        #expect(try pool("198.51.100.1", "mx1.firm.co.uk") == "name firm.co.uk")
        #expect(try pool("198.51.100.1", "dyn-198-51-100-1.isp.example") == "net 198.51.100.0/24")
        #expect(try pool("198.51.100.1", "c6336401.isp.example") == "net 198.51.100.0/24")
        #expect(try pool("198.51.100.1", "mx.big.example", "Sender.example") == "spf sender.example")
        #expect(try pool("2001:db8::1", nil) == "net 2001:db8::/64")
    }

    @Test("Hosts that SPF lets send for the sender are one pool, wherever they are")
    func authorised() throws {
        let world = try PolicyWorld(["client.example": [.txt(Array("v=spf1 ip4:198.51.100.1 ip4:203.0.113.9 -all".utf8))]],
                                    verification: VerificationSettings(service: try Domain(parsing: "mx.local.example"))) {
            $0.greylist.mode = .enforce
        }
        #expect(try world.attempt(from: "198.51.100.1").hasPrefix("450"))
        world.world.loop.advance(by: .minutes(3))
        #expect(try world.attempt(from: "192.0.2.77").hasPrefix("450"), "not one of them")
        #expect(try world.attempt(from: "203.0.113.9").hasPrefix("250"))
    }

    @Test("The table survives in a file, and reads none that is damaged")
    func snapshot() throws {
        let world = try world()
        _ = try world.attempt()
        world.world.loop.advance(by: .minutes(3))
        #expect(try world.attempt().hasPrefix("250"))
        let bytes = world.engine.snapshot
        var copy = GreylistTable(capacity: 10)
        copy.restore(bytes[...])
        #expect(copy.count == 2 && copy.snapshot.count == bytes.count)
        var rule = GreylistRule()
        rule.mode = .enforce
        let pool = ClientPool(.v4(0xc633_6401), name: nil, authorisedBy: nil)
        #expect(copy.attempt(pool, from: "x@client.example", to: "alice@local.example", under: rule, at: world.world.loop.now) == .known)
        for cut in 0..<bytes.count {
            var other = GreylistTable(capacity: 10)
            other.restore(bytes[..<cut])
            #expect(other.count <= 1)
        }
        var noise = GreylistTable(capacity: 10)
        noise.restore((bytes.prefix(15) + (0..<200).map { UInt8(truncatingIfNeeded: $0 * 31) })[...])
        #expect(noise.count == 0)
    }

    @Test("It remembers no more than it may, however many strangers come")
    func bounded() {
        var table = GreylistTable(capacity: 100)
        var rule = GreylistRule()
        rule.mode = .enforce
        for index in 0..<10_000 {
            let pool = ClientPool(.v4(UInt32(index) << 8), name: nil, authorisedBy: nil)
            #expect(table.attempt(pool, from: "<>", to: "a", under: rule, at: Timestamp(seconds: Int64(index))) == .new)
        }
        #expect(table.count <= 100)
    }
}
