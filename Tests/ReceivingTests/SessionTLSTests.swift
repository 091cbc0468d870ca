import Events
import MailQueue
import Ports
import Receiving
import SMTP
import Testing

private final class FakeCertificates: TLSServerContext {}

@Suite("TLS of sessions") struct SessionTLSTests {
    private func world(_ start: ListenerTLS.Start = .startTLS, isRequired: Bool = false, proxyNetworks: [IPNetwork]? = nil,
                       settings: ReceivingSettings = ReceivingSettings(), session: ServerSettings = ServerSettings()) throws -> FakeWorld {
        try FakeWorld(settings, session: session, proxyNetworks: proxyNetworks,
                      tls: ListenerTLS(FakeCertificates(), start: start, isRequired: isRequired))
    }

    private func send(_ connection: FakeConnection) -> String {
        _ = connection.say("MAIL FROM:<x@client.example>", "RCPT TO:<alice@local.example>", "DATA")
        return connection.say("Subject: hi", "", "text", ".")
    }

    @Test("STARTTLS is offered, carried out, and told in the trace field and the envelope")
    func startTLS() throws {
        let world = try world()
        let connection = world.connect()
        #expect(connection.say("EHLO client.example").contains("250-STARTTLS\r\n"))
        #expect(connection.say("STARTTLS") == "220 2.0.0 Ready to start TLS\r\n")
        #expect(connection.handshakes == [[]])
        #expect(!connection.isReading)
        connection.establishTLS(TLSSummary(version: .v1_3))
        #expect(connection.isReading)
        #expect(connection.heard() == "", "there is no second greeting")
        #expect(connection.say("MAIL FROM:<>").hasPrefix("503"), "the hello from before is forgotten")
        #expect(!connection.say("EHLO client.example").contains("STARTTLS"))
        #expect(connection.say("STARTTLS").hasPrefix("503"))
        #expect(send(connection).contains("250 2.0.0 Queued"))
        let submission = try #require(world.intake.accepted.first)
        #expect(String(decoding: submission.prefix, as: UTF8.self).contains("with ESMTPS (TLSv1.3) id"))
        #expect(submission.envelope.origin.tls == "TLSv1.3")
    }

    @Test("nothing that was sent in the clear behind STARTTLS survives it (CVE-2011-0411)", arguments: [
        "STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@evil.example>\r\nRCPT TO:<alice@local.example>\r\nDATA\r\n",
        "STARTTLS\r\nNOOP\r", "STARTTLS\r\nN",
    ])
    func injection(bytes: String) throws {
        let world = try world()
        let connection = world.opened()
        connection.deliver(Array(bytes.utf8))
        #expect(connection.heard() == "220 2.0.0 Ready to start TLS\r\n")
        connection.establishTLS(TLSSummary(version: .v1_3))
        #expect(connection.heard() == "")
        #expect(connection.say("OOP").hasPrefix("500"), "not the end of a line that began in the clear")
        #expect(connection.say("RCPT TO:<alice@local.example>").hasPrefix("503"))
    }

    @Test("a transaction does not outlive STARTTLS")
    func transaction() throws {
        let world = try world()
        let connection = world.opened()
        _ = connection.say("MAIL FROM:<x@client.example>", "RCPT TO:<alice@local.example>", "STARTTLS")
        connection.establishTLS(TLSSummary(version: .v1_2))
        _ = connection.say("EHLO client.example")
        #expect(connection.say("DATA").hasPrefix("503"))
    }

    @Test("without certificates STARTTLS is neither offered nor done")
    func absent() throws {
        let world = try FakeWorld()
        let connection = world.connect()
        #expect(!connection.say("EHLO client.example").contains("STARTTLS"))
        #expect(connection.say("STARTTLS").hasPrefix("502"))
        #expect(connection.handshakes.isEmpty)
    }

    @Test("STARTTLS takes no argument (RFC 3207 §4)")
    func argument() throws {
        let connection = try world().opened()
        #expect(connection.say("STARTTLS now").hasPrefix("501"))
    }

    @Test("where TLS is required, mail in the clear gets 530 (RFC 3207 §4)")
    func required() throws {
        let world = try world(isRequired: true)
        let connection = world.opened()
        #expect(connection.say("MAIL FROM:<x@client.example>") == "530 5.7.0 Must issue a STARTTLS command first\r\n")
        #expect(connection.say("NOOP").hasPrefix("250"))
        _ = connection.say("STARTTLS")
        connection.establishTLS(TLSSummary(version: .v1_3))
        _ = connection.say("EHLO client.example")
        #expect(send(connection).contains("250 2.0.0 Queued"))
    }

    @Test("a handshake that fails is noted and ends the session")
    func failure() throws {
        let world = try world()
        let connection = world.opened()
        _ = connection.say("STARTTLS")
        connection.failTLS(.handshake("no TLS handshake"))
        #expect(connection.isClosed)
        #expect(world.observer.occurrences.contains(.tlsFailed(.handshake("no TLS handshake"))))
        #expect(world.service.sessionCount == 0)
    }

    @Test("LMTP has STARTTLS too")
    func lmtp() throws {
        var session = ServerSettings()
        session.dialect = .lmtp
        let world = try world(session: session)
        let connection = world.connect()
        #expect(connection.say("LHLO client.example").contains("250-STARTTLS\r\n"))
        _ = connection.say("STARTTLS")
        connection.establishTLS(TLSSummary(version: .v1_3))
        _ = connection.say("LHLO client.example")
        _ = send(connection)
        #expect(world.intake.accepted.first?.envelope.origin.transmission == "LMTPS")
    }

    @Test("implicit TLS begins before the greeting and offers no STARTTLS")
    func implicit() throws {
        let world = try world(.implicit)
        let connection = world.connect()
        #expect(connection.handshakes == [[]])
        #expect(connection.heard() == "")
        connection.establishTLS(TLSSummary(version: .v1_3))
        #expect(connection.heard() == "220 mx.local.example ESMTP Baton\r\n")
        #expect(!connection.say("EHLO client.example").contains("STARTTLS"))
        #expect(connection.say("STARTTLS").hasPrefix("50"))
        #expect(send(connection).contains("250 2.0.0 Queued"))
        #expect(world.intake.accepted.first?.envelope.origin.transmission == "ESMTPS")
    }

    @Test("octets behind a PROXY header belong to the implicit handshake")
    func proxied() throws {
        let world = try world(.implicit, proxyNetworks: [IPNetwork("198.51.100.0/24")].compactMap { $0 })
        let connection = world.connect()
        connection.deliver(Array("PROXY 203.0.113.9\n".utf8) + [22, 3, 1])
        #expect(connection.handshakes == [[22, 3, 1]])
        connection.establishTLS(TLSSummary(version: .v1_3))
        #expect(connection.heard().hasPrefix("220"))
        _ = connection.say("EHLO client.example")
        _ = send(connection)
        #expect(world.intake.accepted.first?.envelope.origin.clientAddress == IPAddress("203.0.113.9"))
    }

    @Test("a client that finds no room gets no handshake")
    func full() throws {
        var settings = ReceivingSettings()
        settings.maxConnectionsPerClient = 1
        let world = try world(.implicit, settings: settings)
        _ = world.connect()
        let second = world.connect()
        #expect(second.handshakes.isEmpty)
        #expect(second.isAborted)
    }

    @Test("a shutdown within the handshake closes the connection")
    func shutDown() throws {
        let world = try world(.implicit)
        let connection = world.connect()
        world.service.shutDown {}
        #expect(connection.isClosed)
    }
}
