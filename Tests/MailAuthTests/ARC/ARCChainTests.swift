import Cryptography
import DNS
import MailAuth
import MessageFormat
import Ports
import Testing

@Suite("ARC chains") struct ARCChainTests {
    /// Handlers that seal with one Ed25519 key, and the DNS that publishes it.
    struct World {
        let key: SigningKey
        let zone: Zone

        init() throws {
            key = .ed25519(try Ed25519PrivateKey.generate())
            zone = Zone([
                "s._domainkey.a.example": .init([.txt(Array(KeyRecord.text(of: key).utf8))]),
                "s._domainkey.b.example": .init([.txt(Array(KeyRecord.text(of: key).utf8))]),
                "_dmarc.author.example": .init([.txt(Array("v=DMARC1; p=reject".utf8))]),
            ])
        }

        /// The report on a message, with `b.example` and perhaps others as trusted sealers.
        func report(_ message: [UInt8], trusting: [String] = [], zone other: Zone? = nil) throws -> AuthenticationReport {
            let loop = TestLoop(now: Timestamp(seconds: 1_700_000_000))
            let lookups = Lookups(ZoneResolver(other ?? zone), on: loop, deadline: loop.now + .seconds(20))
            var settings = MessageAuthentication.Settings()
            settings.trustedSealers = Set(try trusting.map { try Domain(parsing: $0) })
            let authentication = MessageAuthentication(.init(client: nil, helo: "", mailFrom: ""), lookups, settings)
            // Nothing may depend on where chunks end.
            for start in stride(from: 0, to: message.count, by: 13) { authentication.receive(message[start..<min(start + 13, message.count)]) }
            var seen: AuthenticationReport?
            authentication.finish { seen = $0 }
            loop.run()
            return try #require(seen)
        }

        /// `message` with one more set by `domain`, which found `results`.
        func seal(_ message: [UInt8], by domain: String, results: String) throws -> [UInt8] {
            let chain = try report(message).arc
            let sealer = ARCSealer(domain: try Domain(parsing: domain), selector: "s", key: key)
            let bodies = BodyHashes()
            let hash = sealer.request(bodies)
            var splitter = MessageSplitter()
            let progress = message.withUnsafeBytes { splitter.receive($0) }
            guard case .complete(let start) = progress else { throw ARCSealer.Failure.chainIsUnknown }
            bodies.receive(message[start...])
            bodies.finish()
            let fields = try sealer.seal(MessageHeader(scanning: splitter.header), bodyHash: bodies.value(hash).hash, chain: chain,
                                         results: results, at: Timestamp(seconds: 1_700_000_000))
            return fields + message
        }
    }

    static let message = Array("From: x@author.example\r\nTo: y@z.example\r\nSubject: s\r\n\r\nbody\r\n".utf8)
    static let saw = "mx; dmarc=pass header.from=author.example"

    @Test func chainsGrowUntilFifty() throws {
        let world = try World()
        var message = Self.message
        for instance in 1...50 {
            message = try world.seal(message, by: "a.example", results: "mx; none")
            if [1, 2, 50].contains(instance) {
                let arc = try world.report(message).arc
                #expect(arc.result == .pass, "\(arc.reason)")
                #expect(arc.instance == instance)
                #expect(arc.oldestPass == 0)
            }
        }
        #expect(throws: ARCSealer.Failure.tooManySets) { try world.seal(message, by: "a.example", results: "mx; none") }
    }

    @Test func changesBreakTheChainAndAreSealedAsBroken() throws {
        let world = try World()
        let sealed = try world.seal(world.seal(Self.message, by: "a.example", results: Self.saw), by: "b.example", results: Self.saw)
        let changed = sealed + Array("more\r\n".utf8)
        let arc = try world.report(changed).arc
        #expect(arc.result == .fail)
        #expect(arc.reason == "ARC-Message-Signature in set 2: the body was changed")
        let closed = try world.seal(changed, by: "b.example", results: "mx; arc=fail")
        let after = try world.report(closed).arc
        #expect(after.result == .fail)
        #expect(after.isClosed)
        #expect(throws: ARCSealer.Failure.chainIsClosed) { try world.seal(closed, by: "a.example", results: "mx; none") }
        // A list that changes the message and seals it anew: the chain holds, the first signature does not.
        let list = try world.seal(Self.message, by: "a.example", results: Self.saw)
        let text = String(decoding: list, as: UTF8.self).replacing("Subject: s", with: "Subject: [list] s")
        #expect(try world.report(Array(text.utf8)).arc.result == .fail)
    }

    @Test func trustedSealersStandInForTheAuthor() throws {
        let world = try World()
        let first = try world.seal(Self.message, by: "a.example", results: Self.saw)
        let second = try world.seal(first, by: "b.example", results: "mx; arc=pass; dmarc=fail header.from=author.example")
        let report = try world.report(second, trusting: ["a.example", "b.example"])
        #expect(report.dmarc.result == .fail)
        #expect(report.trustedSealer?.ascii == "a.example")
        #expect(try world.report(second, trusting: ["a.example"]).trustedSealer == nil)
        #expect(try world.report(second, trusting: ["b.example"]).trustedSealer == nil)
        #expect(try world.report(second).trustedSealer == nil)
        let another = try world.seal(Self.message, by: "a.example", results: "mx; dmarc=pass header.from=other.example")
        #expect(try world.report(another, trusting: ["a.example"]).trustedSealer == nil)
    }

    @Test func keysThatCannotBeHad() throws {
        let world = try World()
        let sealed = try world.seal(Self.message, by: "a.example", results: Self.saw)
        var zone = world.zone
        zone.names["s._domainkey.a.example"]?.records = [:]
        zone.names["s._domainkey.a.example"]?.status = .serverFailure
        #expect(try world.report(sealed, zone: zone).arc.result == .temperror)
        zone.names["s._domainkey.a.example"] = nil
        #expect(try world.report(sealed, zone: zone).arc.result == .fail)
    }

    @Test func longListsOfFieldsKeepTheirLinesShort() throws {
        let world = try World()
        let many = Array(String(repeating: "References: <a@b.example>\r\n", count: 400).utf8) + Self.message
        let sealed = try world.seal(many, by: "a.example", results: Self.saw)
        #expect(sealed.split(separator: 0x0a).allSatisfy { $0.count < 998 })
        #expect(try world.report(sealed).arc.result == .pass)
    }

    @Test func noAuthorIsNoPass() throws {
        let world = try World()
        let report = try world.report(Array("From: a@x.example, b@author.example\r\n\r\nhi".utf8))
        #expect(report.dmarc.result == .permerror)
        #expect(report.authorError == .severalAddresses)
        let long = try world.report(Array(("X: " + String(repeating: "x", count: 300_000) + "\r\nFrom: a@author.example\r\n\r\n").utf8))
        #expect(long.authorError == .tooLong)
    }
}
