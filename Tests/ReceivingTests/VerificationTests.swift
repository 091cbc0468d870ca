import DNS
import Events
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import SMTP
import Testing

@Suite("On whose behalf mail comes") struct VerificationTests {
    static let zone = """
        {"good.example": {"TXT": ["v=spf1 ip4:198.51.100.1 -all"]}, "_dmarc.good.example": {"TXT": ["v=DMARC1; p=reject"]},
         "bad.example": {"TXT": ["v=spf1 -all exp=why.bad.example"]}, "_dmarc.bad.example": {"TXT": ["v=DMARC1; p=reject"]},
         "why.bad.example": {"TXT": ["%{i} is not ours"]},
         "wary.example": {"TXT": ["v=spf1 -all"]}, "_dmarc.wary.example": {"TXT": ["v=DMARC1; p=quarantine"]},
         "slow.example": {"rcode": "TIMEOUT", "delay": 3600}, "client.example": {"A": ["198.51.100.1"]},
         "1.100.51.198.in-addr.arpa": {"PTR": ["client.example"]}}
        """

    static func settings(_ mode: VerificationSettings.Mode = .enforce, _ change: (inout VerificationSettings) -> Void = { _ in }) throws -> VerificationSettings {
        var settings = VerificationSettings(service: try Domain(parsing: "mx.local.example"))
        settings.mode = mode
        change(&settings)
        return settings
    }

    static func world(_ settings: VerificationSettings?) throws -> FakeWorld {
        var receiving = ReceivingSettings()
        receiving.clientNames = .omitted
        let resolver = ZoneResolver(try Zone(json: Array(zone.utf8)))
        return try FakeWorld(receiving, resolver: resolver, verification: settings)
    }

    /// Sends one message; the replies to RCPT and to its end.
    static func send(_ world: FakeWorld, from sender: String, _ message: String, client: SocketEndpoint = FakeWorld.stranger) -> (recipient: String, end: String) {
        let connection = world.opened(from: client)
        _ = connection.say("MAIL FROM:<\(sender)>")
        var recipient = connection.say("RCPT TO:<alice@local.example>")
        world.loop.advance(by: .milliseconds(1))
        recipient += connection.heard()
        guard connection.say("DATA").hasPrefix("354") else { return (recipient, "") }
        connection.deliver(Array((message.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n") + "\r\n.\r\n").utf8))
        world.loop.advance(by: .milliseconds(1))
        return (recipient, connection.heard())
    }

    static func plain(from author: String) -> String { "From: \(author)\nTo: alice@local.example\nSubject: hello\n\nhello" }

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).replacing("\r\n ", with: " ") }

    /// The fields that were put in front of the first message.
    static func prefix(_ world: FakeWorld) -> String { text(world.intake.accepted.first?.prefix ?? []) }

    /// What was kept of the first message.
    static func body(_ world: FakeWorld) -> String { text(world.intake.accepted.first?.body ?? []) }

    @Test func resultsAreWrittenDown() throws {
        let world = try VerificationTests.world(VerificationTests.settings(.log))
        let reply = VerificationTests.send(world, from: "joe@good.example", VerificationTests.plain(from: "joe@good.example"))
        #expect(reply.end.hasPrefix("250"))
        let submission = try #require(world.intake.accepted.first)
        let prefix = VerificationTests.text(submission.prefix)
        #expect(prefix.hasPrefix("Authentication-Results: mx.local.example; iprev=pass policy.iprev=198.51.100.1; spf=pass "))
        #expect(prefix.contains("smtp.mailfrom=joe@good.example; spf=none "))
        #expect(prefix.contains(" smtp.helo=client.example; dkim=none "))
        #expect(prefix.contains("; dmarc=pass (p=reject"))
        #expect(prefix.contains("\r\nReceived-SPF: pass (mx.local.example: "))
        #expect(prefix.contains("\r\nReceived: from client.example"))
        let verification = try #require(submission.envelope.verification)
        #expect(verification.hasPrefix(
            "iprev=pass iprev=198.51.100.1; spf=pass mailfrom=joe@good.example; spf=none helo=client.example; dkim=none; dmarc=pass"))
    }

    @Test func nothingIsRefusedInLogMode() throws {
        let world = try VerificationTests.world(VerificationTests.settings(.log) { $0.spfFailure = .reject })
        let reply = VerificationTests.send(world, from: "joe@bad.example", VerificationTests.plain(from: "a@bad.example, b@bad.example"))
        #expect(reply.recipient.hasPrefix("250"))
        #expect(reply.end.hasPrefix("250"))
    }

    @Test func spfRefusesRecipients() throws {
        let world = try VerificationTests.world(VerificationTests.settings { $0.spfFailure = .reject })
        let reply = VerificationTests.send(world, from: "joe@bad.example", "")
        #expect(reply.recipient == "550 5.7.23 SPF: 198.51.100.1 matches -all in the SPF record of bad.example; bad.example says: 198.51.100.1 is not ours\r\n")
        #expect(VerificationTests.send(world, from: "joe@good.example", VerificationTests.plain(from: "joe@good.example")).end.hasPrefix("250"))
        #expect(world.intake.accepted.count == 1)
    }

    @Test func aTrustedForwarderIsBelieved() throws {
        let world = try VerificationTests.world(VerificationTests.settings {
            $0.spfFailure = .reject
            $0.trustedForwarders = [IPNetwork("198.51.100.0/24")].compactMap { $0 }
        })
        #expect(VerificationTests.send(world, from: "joe@bad.example", VerificationTests.plain(from: "joe@bad.example")).end.hasPrefix("250"))
        #expect(VerificationTests.prefix(world).contains("198.51.100.1 is a trusted forwarder"))
    }

    @Test func dmarcRejects() throws {
        let world = try VerificationTests.world(VerificationTests.settings())
        let reply = VerificationTests.send(world, from: "joe@good.example", VerificationTests.plain(from: "joe@bad.example"))
        #expect(reply.end.hasPrefix("550 5.7.26 Rejected by the DMARC policy of bad.example: "))
        #expect(world.intake.accepted.isEmpty)
        guard case .messageRefused? = world.observer.occurrences.last else { Issue.record("the refusal is not noted"); return }
    }

    static let dispositions: [(String, @Sendable (inout VerificationSettings) -> Void, HoldReason?, Bool)] = [
        ("wary.example", { $0.quarantine = .hold }, .policy, true), ("wary.example", { $0.quarantine = .tag }, nil, true),
        ("bad.example", { $0.dmarcRejection = .quarantine; $0.quarantine = .hold }, .policy, true),
        ("bad.example", { $0.dmarcRejection = .tag }, nil, true),
        ("bad.example", { $0.exemptAuthors = (try? Domain(parsing: "bad.example")).map { [$0] } ?? [] }, nil, false),
        ("good.example", { $0.quarantine = .hold }, nil, false),
    ]

    @Test(arguments: dispositions)
    func consequences(domain: String, change: @Sendable (inout VerificationSettings) -> Void, hold: HoldReason?, isTagged: Bool) throws {
        let world = try VerificationTests.world(VerificationTests.settings(.enforce, change))
        let forged = "X-Baton-Quarantine: no, it is fine\n"
        let reply = VerificationTests.send(world, from: "joe@good.example", forged + VerificationTests.plain(from: "joe@\(domain)"))
        #expect(reply.end.hasPrefix("250"))
        let submission = try #require(world.intake.accepted.first)
        #expect(submission.hold == hold)
        #expect(VerificationTests.text(submission.prefix).hasPrefix("X-Baton-Quarantine: DMARC policy of \(domain): ") == isTagged)
        #expect(!VerificationTests.text(submission.body).contains("X-Baton-Quarantine"))
    }

    @Test func forgedResultsAreTakenOut() throws {
        let world = try VerificationTests.world(VerificationTests.settings(.log))
        let message = "Authentication-Results: mx.local.example;\n dmarc=pass header.from=bad.example\nAUTHENTICATION-RESULTS : \"MX.Local.Example.\" 1; none\n"
            + "Authentication-Results: other.example; spf=pass\n" + VerificationTests.plain(from: "joe@good.example") + "\nAuthentication-Results: mx.local.example; none"
        _ = VerificationTests.send(world, from: "joe@good.example", message)
        #expect(VerificationTests.body(world) == """
            Authentication-Results: other.example; spf=pass\r\nFrom: joe@good.example\r\nTo: alice@local.example\r\nSubject: hello\r
            \r\nhello\r\nAuthentication-Results: mx.local.example; none\r\n
            """)
    }

    @Test("Forged results behind a line that is no field are taken out too") func forgedBehindMalformedLines() throws {
        let world = try VerificationTests.world(VerificationTests.settings(.log))
        let forged = "Authentication-Results: mx.local.example; dmarc=pass\n"
        let message = forged + "From: joe@good.example\nno field\n" + forged + " folded \nX: y\n\tz\nnor this\nX-Baton-Quarantine: no\n\nhello\n" + forged
        let reply = VerificationTests.send(world, from: "joe@good.example", message)
        #expect(reply.end.hasPrefix("250"), "\(reply)")
        #expect(VerificationTests.body(world) == "From: joe@good.example\r\nno field\r\nX: y\r\n\tz\r\nnor this\r\n\r\nhello\r\n"
            + forged.replacing("\n", with: "\r\n") + "\r\n")
    }

    @Test("A large message whose first part has no empty line cannot hide results behind it") func forgedBeyondTheFirstPart() throws {
        let world = try VerificationTests.world(VerificationTests.settings(.log))
        for first in ["no field", "X: y"] {
            let lines = String(repeating: first + "\n", count: 300_000 / first.utf8.count)
            let message = "From: joe@good.example\n" + lines + "Authentication-Results: mx.local.example; dmarc=pass\n\nhello"
            let reply = VerificationTests.send(world, from: "joe@good.example", message)
            #expect(reply.end.hasPrefix("552 5.3.4"), "\(reply)")
        }
        #expect(world.intake.accepted.isEmpty && world.intake.chunks.isEmpty)
    }

    // HOSTILE 24: every way in which two readers see two authors.
    static let authors = [
        "a@good.example\nFrom: b@bad.example", "a@good.example, b@bad.example", "a@bad.example\0@good.example", "team: a@good.example, b@bad.example;",
        "<a@good.example>@bad.example", "a@good.example <b@bad.example> c@good.example", "\"a@good.example\"@", "", "undisclosed:;",
        "<@good.example,@bad.example>", "a@[192.0.2.1]", "a@good.example(\nFrom : b@bad.example",
    ]

    @Test("Exactly one author", arguments: authors) func identityConfusion(author: String) throws {
        let world = try VerificationTests.world(VerificationTests.settings())
        let reply = VerificationTests.send(world, from: "joe@good.example", VerificationTests.plain(from: author))
        #expect(reply.end.hasPrefix("550 5.6.0") || reply.end.hasPrefix("5") && author.contains("\0"), "\(reply)")
        #expect(world.intake.accepted.isEmpty)
    }

    @Test("The author is the one that the parser reads") func quotedAuthor() throws {
        let world = try VerificationTests.world(VerificationTests.settings())
        #expect(VerificationTests.send(world, from: "joe@good.example", VerificationTests.plain(from: "\"a@good.example\"@bad.example")).end.hasPrefix("550 5.7.26"))
        #expect(VerificationTests.send(world, from: "joe@good.example", VerificationTests.plain(from: "\"b@bad.example\" <a@good.example>")).end.hasPrefix("250"))
    }

    @Test("The null reverse-path is checked by the HELO name") func nullSender() throws {
        let world = try VerificationTests.world(VerificationTests.settings { $0.spfFailure = .reject })
        let connection = world.connect()
        _ = connection.say("EHLO bad.example", "MAIL FROM:<>")
        var reply = connection.say("RCPT TO:<alice@local.example>")
        world.loop.advance(by: .milliseconds(1))
        reply += connection.heard()
        #expect(reply.hasPrefix("550 5.7.23"))
    }

    @Test func ourOwnAreNotVerified() throws {
        let world = try VerificationTests.world(VerificationTests.settings { $0.spfFailure = .reject })
        let reply = VerificationTests.send(world, from: "joe@bad.example", VerificationTests.plain(from: "joe@bad.example"), client: FakeWorld.trusted)
        #expect(reply.end.hasPrefix("250"))
        #expect(VerificationTests.prefix(world).hasPrefix("Received:"))
        #expect(world.intake.accepted.first?.envelope.verification == nil)
    }

    @Test func withoutVerificationNothingIsAsked() throws {
        let world = try VerificationTests.world(nil)
        let connection = world.opened()
        _ = connection.say("MAIL FROM:<joe@bad.example>", "RCPT TO:<alice@local.example>", "DATA")
        connection.deliver(Array("\(VerificationTests.plain(from: "x"))\r\n.\r\n".replacing("\n", with: "\r\n").utf8))
        #expect(world.intake.accepted.count == 1, "at once, without a turn of the loop")
    }

    @Test func slowServersDelayNoLonger() throws {
        let world = try VerificationTests.world(VerificationTests.settings { $0.spfFailure = .reject })
        let connection = world.opened()
        _ = connection.say("MAIL FROM:<joe@slow.example>")
        #expect(connection.say("RCPT TO:<alice@local.example>") == "")
        world.loop.advance(by: .seconds(21))
        #expect(connection.heard().hasPrefix("250"))
        _ = connection.say("DATA")
        connection.deliver(Array("From: joe@slow.example\r\n\r\nhello\r\n.\r\n".utf8))
        world.loop.advance(by: .seconds(21))
        #expect(connection.heard().hasPrefix("250"))
        #expect(VerificationTests.prefix(world).contains("spf=temperror"))
    }

    @Test("Large messages are verified while they come") func chunks() throws {
        let world = try VerificationTests.world(VerificationTests.settings())
        let line = String(repeating: "x", count: 70) + "\r\n"
        func send(_ domain: String) -> (FakeConnection, String) {
            let connection = world.opened()
            _ = connection.say("MAIL FROM:<joe@good.example>", "RCPT TO:<alice@local.example>", "DATA")
            connection.deliver(Array("Authentication-Results: mx.local.example; none\r\nFrom: joe@\(domain)\r\n\r\n".utf8))
            for _ in 0..<12_000 { connection.deliver(Array(line.utf8)) }
            connection.deliver(Array(".\r\n".utf8))
            world.loop.advance(by: .milliseconds(1))
            return (connection, connection.heard())
        }
        #expect(send("good.example").1.contains("250 2.0.0"))
        #expect(!world.intake.chunks.isEmpty)
        let start = VerificationTests.text(world.intake.chunks[0].1)
        #expect(start.hasPrefix("From: joe@good.example"))
        let submission = try #require(world.intake.accepted.first)
        let size = 12_000 * line.utf8.count + "From: joe@good.example\r\n\r\n".utf8.count
        #expect(submission.envelope.size == UInt64(size + submission.prefix.count))
        #expect(send("bad.example").1.contains("550 5.7.26"))
        #expect(world.intake.abandoned.count == 1)
    }

    @Test func aClientThatIsGoneHasSentNothing() throws {
        let world = try VerificationTests.world(VerificationTests.settings())
        let connection = world.opened()
        _ = connection.say("MAIL FROM:<joe@good.example>", "RCPT TO:<alice@local.example>", "DATA")
        connection.deliver(Array("From: joe@slow.example\r\n\r\nhello\r\n.\r\n".utf8))
        connection.hangUp()
        world.loop.advance(by: .minutes(1))
        #expect(world.intake.accepted.isEmpty)
    }
}
