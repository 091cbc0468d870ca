import Cryptography
import DNS
import Events
import MailAuth
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import SMTP
import Testing

@Suite("Sealing what goes on to other hosts") struct SealingTests {
    /// A key that every sealer here uses, and the DNS that publishes it.
    let key: SigningKey
    let zone: Zone

    init() throws {
        key = .ed25519(try Ed25519PrivateKey.generate())
        let record = Zone.Entry([.txt(Array(KeyRecord.text(of: key).utf8))])
        zone = Zone([
            "s._domainkey.first.example": record, "s._domainkey.second.example": record,
            "good.example": .init([.txt(Array("v=spf1 ip4:198.51.100.1 -all".utf8))]), "_dmarc.good.example": .init([.txt(Array("v=DMARC1; p=reject".utf8))]),
        ])
    }

    /// A host that seals as `domain`, with `sales` as an alias that leads here and out.
    func host(_ domain: String, _ scope: SealingRules.Scope = .forwarded, isVerifying: Bool = true) throws -> FakeWorld {
        var receiving = ReceivingSettings()
        receiving.clientNames = .omitted
        var world = try FakeWorld(receiving, resolver: ZoneResolver(zone))
        var session = ServerSettings()
        session.hostname = "mx.\(domain)"
        let service = try Domain(parsing: session.hostname)
        let sealer = ARCSealer(domain: try Domain(parsing: domain), selector: "s", key: key)
        world.policy = ListenerPolicy(
            name: "inbound", session: session, rules: try FakeWorld.rules(["sales@local.example": ["bob@local.example", "carol@partner.example"]]),
            cleanup: CleanupSettings(hostName: service), verification: isVerifying ? VerificationSettings(service: service) : nil,
            sealing: SealingRules(sealer: sealer, service: service, scope: scope))
        return world
    }

    /// What goes on when `message` comes in at `world`.
    func pass(_ message: [UInt8], through world: FakeWorld, to recipient: String = "sales@local.example",
              client: SocketEndpoint = FakeWorld.stranger) throws -> [UInt8] {
        let connection = world.opened(from: client)
        _ = connection.say("MAIL FROM:<joe@good.example>", "RCPT TO:<\(recipient)>", "DATA")
        for start in stride(from: 0, to: message.count, by: 65_536) {
            connection.deliver(Array(message[start..<min(start + 65_536, message.count)]))
            world.loop.advance(by: .milliseconds(1))
        }
        connection.deliver(Array(".\r\n".utf8))
        world.loop.advance(by: .milliseconds(1))
        try #require(connection.heard().contains("250 2.0.0"))
        let submission = try #require(world.intake.accepted.last)
        return submission.prefix + world.intake.chunks.flatMap(\.1) + submission.body
    }

    /// What a host that nobody told of any sealer says of `message`.
    func report(_ message: [UInt8]) throws -> AuthenticationReport {
        let loop = FakeLoop()
        let lookups = Lookups(ZoneResolver(zone), on: loop, deadline: loop.now + .seconds(20))
        let authentication = MessageAuthentication(.init(client: nil, helo: "", mailFrom: ""), lookups)
        authentication.receive(message[...])
        nonisolated(unsafe) var seen: AuthenticationReport?
        authentication.finish { seen = $0 }
        loop.advance(by: .milliseconds(1))
        return try #require(seen)
    }

    static let message = Array("From: joe@good.example\r\nTo: sales@local.example\r\nSubject: offer\r\n\r\nhello \r\n\r\n".utf8)
    static let large = message + Array(repeating: Array("A line  of a large message. \r\n".utf8), count: 20_000).joined()

    @Test("A forwarded message carries what was found out, small or large", arguments: [message, large])
    func seals(message: [UInt8]) throws {
        let world = try host("first.example")
        let sealed = try pass(message, through: world)
        #expect(sealed.suffix(message.count) == message[...], "the received bytes stay as they are")
        let arc = try report(sealed).arc
        #expect(arc.result == .pass && arc.instance == 1, "\(arc.reason)")
        let results = try #require(arc.chain.first?.results)
        #expect(results.service == "mx.first.example")
        #expect(results.methods.map { "\($0.method)=\($0.result)" } == ["iprev=permerror", "spf=pass", "spf=none", "dkim=none", "dmarc=pass", "arc=none"])
        #expect(world.intake.accepted.last?.envelope.size == UInt64(sealed.count))
    }

    @Test("Each host adds a set to the chain, and tells when it is broken") func chains() throws {
        let once = try pass(Self.message, through: try host("first.example"))
        let twice = try pass(once, through: try host("second.example"))
        let arc = try report(twice).arc
        #expect(arc.result == .pass && arc.instance == 2 && arc.oldestPass == 0)
        #expect(arc.chain.map(\.sealer.ascii) == ["first.example", "second.example"])
        #expect(arc.chain.last?.results?.methods.last?.result == "pass")

        let broken = try pass(twice + Array("one more line\r\n".utf8), through: try host("first.example"))
        #expect(VerificationTests.text(broken).contains("; cv=fail; d=first.example; i=3;"))
        #expect(try report(broken).arc.isClosed)
        let closed = try pass(broken, through: try host("second.example"))
        #expect(!String(decoding: closed, as: UTF8.self).contains("i=4"), "nobody adds to a chain that is closed")
    }

    @Test("Forged results of ours are not sealed") func forged() throws {
        let message = Array("Authentication-Results: mx.first.example; dkim=pass header.d=bank.example\r\n".utf8) + Self.message
        let sealed = try pass(message, through: try host("first.example"))
        #expect(try report(sealed).arc.chain.first?.results?.methods.contains { $0.method == "dkim" && $0.result == "pass" } == false)
        #expect(!String(decoding: sealed, as: UTF8.self).contains("bank.example"))
    }

    @Test("What stays here, is ours or was not verified is not sealed") func others() throws {
        let field = "ARC-Seal:"
        func isSealed(_ message: [UInt8]) -> Bool { String(decoding: message, as: UTF8.self).contains(field) }
        #expect(try !isSealed(pass(Self.message, through: host("first.example"), to: "alice@local.example")))
        #expect(try !isSealed(pass(Self.message, through: host("first.example"), client: FakeWorld.trusted)))
        #expect(try !isSealed(pass(Self.message, through: host("first.example", isVerifying: false))))
        #expect(try !isSealed(pass(Array("no field\r\n".utf8) + Self.message, through: host("first.example"))))
        #expect(try !isSealed(pass(Self.message, through: host("first.example"), to: "x@backup.example")))
        #expect(try isSealed(pass(Self.message, through: host("first.example", .relayed), to: "x@backup.example")))
        #expect(try isSealed(pass(Self.message, through: host("first.example", .relayed))))
    }
}
