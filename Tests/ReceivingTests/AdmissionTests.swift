import Events
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import SMTP
import Testing

@Suite struct AdmissionTests {
    @Test("One client gets twenty connections, a relay client any number")
    func perClient() throws {
        let world = try FakeWorld()
        let connections = (0..<20).map { _ in world.connect() }
        #expect(connections.allSatisfy { !$0.isClosed })
        let refused = world.connect()
        #expect(refused.heard() == "421 4.7.0 Too many connections from your host, try again later\r\n" && refused.isClosed)
        #expect(!world.connect(from: .ip(.v4(0xc633_6402), port: 1)).isClosed)
        connections[0].hangUp()
        #expect(!world.connect().isClosed)
        for _ in 0..<100 { #expect(!world.connect(from: FakeWorld.trusted).isClosed) }
    }

    @Test("A listener with a limit of its own counts its clients by itself")
    func perListener() throws {
        var settings = ReceivingSettings()
        settings.maxConnectionsPerClient = 3
        let world = try FakeWorld(settings)
        let narrow = try FakeWorld.policy(name: "narrow", maxConnectionsPerClient: 1)
        func connectNarrow() -> FakeConnection {
            FakeConnection(world.service.makeHandler(narrow, on: world.loop), loop: world.loop, from: FakeWorld.stranger)
        }
        let first = connectNarrow()
        #expect(!first.isClosed)
        #expect(connectNarrow().heard().hasPrefix("421 4.7.0"))
        #expect((0..<3).allSatisfy { _ in !world.connect().isClosed }, "the others are not used up by it")
        #expect(world.connect().isClosed)
        first.hangUp()
        #expect(!connectNarrow().isClosed)
    }

    @Test("Sixty connections a minute from one client")
    func rate() throws {
        let world = try FakeWorld()
        for _ in 0..<60 {
            let connection = world.connect()
            #expect(!connection.isClosed)
            connection.hangUp()
        }
        #expect(world.connect().isClosed)
        world.loop.advance(by: .minutes(1))
        #expect(!world.connect().isClosed)
    }

    @Test("IPv6 clients count by their /64")
    func prefixes() throws {
        var settings = ReceivingSettings()
        settings.maxConnectionsPerClient = 1
        let world = try FakeWorld(settings)
        func connect(_ text: String) throws -> FakeConnection { world.connect(from: .ip(try #require(IPAddress(text)), port: 1)) }
        #expect(try !connect("2001:db9::1").isClosed)
        #expect(try connect("2001:db9::ffff:2").isClosed)
        #expect(try !connect("2001:db9:0:1::1").isClosed)
        #expect(try !connect("2001:db8::1").isClosed && !connect("2001:db8::1").isClosed, "a relay network")
    }

    @Test("A full server says so, and hurries before it is full")
    func full() throws {
        var settings = ReceivingSettings()
        settings.maxConnections = 10
        settings.maxConnectionsPerClient = 100
        let world = try FakeWorld(settings)
        let connections = (0..<10).map { _ in world.connect() }
        #expect(connections.allSatisfy { !$0.isClosed })
        #expect(world.connect(from: FakeWorld.trusted).heard().hasPrefix("421 4.3.2"))
        world.loop.advance(by: .seconds(10))
        #expect(!connections[7].isClosed && connections[8].isClosed && connections[9].isClosed)
    }

    @Test("The memory of clients is bounded by those that are here")
    func sweep() {
        var limiter = ConnectionLimiter()
        let settings = ReceivingSettings()
        for index in 0..<100_000 {
            let client = ConnectionLimiter.Client(network: IPNetwork(containing: .v4(UInt32(index)), prefixLength: 32))
            _ = limiter.admit(client, at: Timestamp(seconds: Int64(index)), under: settings)
            limiter.close(client)
        }
        #expect(limiter.clientCount <= 1025 && limiter.open == 0)
    }

    @Test("HOSTILE 28: a PROXY header names the client, from listed peers only")
    func proxied() throws {
        let world = try FakeWorld(proxyNetworks: [IPNetwork("192.0.2.0/24")].compactMap { $0 })
        let proxy = SocketEndpoint.ip(.v4(0xc000_0205), port: 5)
        #expect(world.connect().isAborted, "no proxy of ours")
        #expect(world.observer.occurrences == [.notProxied])

        let connection = world.connect(from: proxy)
        #expect(connection.heard() == "")
        connection.deliver(Array("PROXY 10.".utf8))
        connection.deliver(Array("0.0.9\nEHLO client.example\r\n".utf8))
        #expect(connection.heard().hasPrefix("220 "))
        #expect(connection.say("MAIL FROM:<>", "RCPT TO:<x@elsewhere.example>").hasSuffix("250 2.1.5 Recipient OK\r\n"))

        let broken = world.connect(from: proxy)
        broken.deliver(Array("EHLO client.example\r\n".utf8))
        #expect(broken.isAborted && broken.heard() == "")

        let silent = world.connect(from: proxy)
        silent.deliver(Array("PROXY".utf8))
        world.loop.advance(by: .seconds(5))
        #expect(silent.isAborted)
    }

    @Test("XCLIENT and XFORWARD are for listed peers; XCLIENT gives up what the peer could do")
    func xclient() throws {
        let world = try FakeWorld()
        let stranger = world.opened()
        #expect(stranger.say("XCLIENT ADDR=10.0.0.1").hasPrefix("550") && stranger.say("XFORWARD ADDR=10.0.0.1").hasPrefix("550"))
        let proxy = world.opened(from: FakeWorld.trusted)
        #expect(proxy.say("MAIL FROM:<>", "RCPT TO:<x@elsewhere.example>", "RSET").contains("2.1.5"))
        #expect(proxy.say("XCLIENT ADDR=198.51.100.7 NAME=[UNAVAILABLE]", "EHLO spike.example").hasPrefix("220"))
        #expect(proxy.say("MAIL FROM:<>", "RCPT TO:<x@elsewhere.example>").contains("554 5.7.1"))
        #expect(proxy.say("RCPT TO:<alice@local.example>", "DATA", "x: y", ".").contains("Queued"))
        #expect(world.intake.accepted.first?.envelope.origin.clientAddress == IPAddress("198.51.100.7"))
    }

    @Test("What XFORWARD tells is kept for one message, and decides nothing")
    func xforward() throws {
        let world = try FakeWorld()
        let filter = world.opened(from: FakeWorld.trusted)
        #expect(filter.say("XFORWARD NAME=spike.example ADDR=IPV6:2001:db8::7 PORT=[UNAVAILABLE] HELO=+5Cspike",
                           "XFORWARD PROTO=ESMTP IDENT=4F1A SOURCE=REMOTE HELO=spike").hasPrefix("250"))
        #expect(filter.say("XFORWARD LOGIN=eve").hasPrefix("501") && filter.say("XFORWARD NAME=a+0Ab").hasPrefix("501"))
        #expect(filter.say("MAIL FROM:<>", "RCPT TO:<x@elsewhere.example>", "DATA", "x: y", ".").contains("Queued"))
        #expect(filter.say("MAIL FROM:<>", "RCPT TO:<bob@local.example>", "DATA", "x: y", ".").contains("Queued"))
        let told = try #require(world.intake.accepted.first)
        #expect(told.envelope.origin.clientAddress == IPAddress("10.0.0.9") || told.envelope.origin.clientAddress != IPAddress("2001:db8::7"))
        #expect(told.envelope.origin.forwarded.map { "\($0.name.text)=\($0.value)" } == [
            "orig_client_name=spike.example", "orig_client_address=2001:db8::7", "orig_with=ESMTP", "orig_helo=spike",
            "orig_id=4F1A", "orig_source=REMOTE",
        ])
        #expect(!String(decoding: told.prefix, as: UTF8.self).contains("2001:db8::7"), "Received names who was connected")
        #expect(world.intake.accepted.last?.envelope.origin.forwarded == [])
    }

    @Test("Messages in a connection are limited for strangers only")
    func messages() throws {
        var session = ServerSettings()
        session.maxMessages = 2
        let world = try FakeWorld(session: session)
        for (endpoint, last) in [(FakeWorld.stranger, "421 4.5.3"), (FakeWorld.trusted, "250 2.1.0")] {
            let connection = world.opened(from: endpoint)
            for _ in 0..<2 { _ = connection.say("MAIL FROM:<>", "RCPT TO:<bob@local.example>", "DATA", "x: y", ".") }
            #expect(connection.say("MAIL FROM:<>").hasPrefix(last))
        }
    }
}
