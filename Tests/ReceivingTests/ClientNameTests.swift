import DNS
import Events
import MailQueue
import Ports
import Receiving
import Testing

@Suite struct ClientNameTests {
    /// A world whose resolver answers from `names`.
    private func world(_ names: [String: [DNSRecord]], delay: Duration = .zero) throws -> FakeWorld {
        let zone = Zone(names.mapValues { records in
            var entry = Zone.Entry(records)
            entry.delay = delay
            return entry
        })
        return try FakeWorld(resolver: ZoneResolver(zone))
    }

    private func trace(_ world: FakeWorld) throws -> String {
        String(decoding: try #require(world.intake.accepted.last).prefix, as: UTF8.self)
    }

    private func sendMessage(_ connection: FakeConnection, _ world: FakeWorld) -> String {
        var said = connection.say("MAIL FROM:<>")
        world.loop.advance(by: .seconds(6))
        said += connection.heard()
        return said + connection.say("RCPT TO:<bob@local.example>", "DATA", "x: y", ".")
    }

    @Test("A name that points back is in the trace field; MAIL waits for it")
    func verified() throws {
        let world = try world([
            "1.100.51.198.in-addr.arpa": [.ptr("other.client.example"), .ptr("bad name.example"), .ptr("mail.client.example")],
            "other.client.example": [.a(.v4(1))], "mail.client.example": [.a(.v4(0xc633_6401))],
        ], delay: .milliseconds(100))
        let connection = world.connect()
        #expect(connection.say("EHLO client.example").contains("250 LIMITS"))
        #expect(connection.say("MAIL FROM:<>") == "" && !connection.isReading)
        world.loop.advance(by: .seconds(1))
        #expect(connection.say("RCPT TO:<bob@local.example>", "DATA", "x: y", ".").contains("Queued"))
        #expect(try trace(world).hasPrefix("Received: from client.example (mail.client.example [198.51.100.1])\r\n"))
    }

    @Test("A name that does not point back is not told", arguments: [
        ["1.100.51.198.in-addr.arpa": [DNSRecord.ptr("mail.client.example")], "mail.client.example": [.a(.v4(1))]],
        ["1.100.51.198.in-addr.arpa": [DNSRecord.ptr("mail.client.example")]], [:],
    ])
    func unverified(names: [String: [DNSRecord]]) throws {
        let world = try world(names)
        let connection = world.opened()
        #expect(sendMessage(connection, world).contains("Queued"))
        #expect(try trace(world).hasPrefix("Received: from client.example ([198.51.100.1])\r\n"))
    }

    @Test("A slow resolver holds MAIL up for five seconds and no longer")
    func slow() throws {
        let world = try world(["1.100.51.198.in-addr.arpa": [.ptr("mail.client.example")]], delay: .seconds(60))
        let connection = world.opened()
        #expect(connection.say("MAIL FROM:<>") == "")
        world.loop.advance(by: .milliseconds(4900))
        #expect(connection.heard() == "")
        world.loop.advance(by: .milliseconds(200))
        #expect(connection.heard().hasPrefix("250"))
        #expect(connection.say("RCPT TO:<bob@local.example>", "DATA", "x: y", ".").contains("Queued"))
        world.loop.advance(by: .minutes(2))
        #expect(connection.say("NOOP").hasPrefix("250"))
    }

    @Test("XCLIENT's client does not get the proxy's name")
    func xclient() throws {
        let world = try world([
            "1.0.0.10.in-addr.arpa": [.ptr("proxy.example")], "proxy.example": [.a(.v4(0x0a00_0001))],
        ])
        let connection = world.opened(from: FakeWorld.trusted)
        _ = sendMessage(connection, world)
        #expect(try trace(world).contains("(proxy.example [10.0.0.1])"))
        _ = connection.say("XCLIENT ADDR=198.51.100.7", "EHLO spike.example")
        _ = sendMessage(connection, world)
        #expect(try trace(world).contains("from spike.example ([198.51.100.7])"))
        _ = connection.say("XCLIENT ADDR=198.51.100.8 NAME=known.example", "EHLO spike.example")
        _ = sendMessage(connection, world)
        #expect(try trace(world).contains("from spike.example (known.example [198.51.100.8])"))
    }
}
