import DNS
import Events
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import SMTP
import Testing

/// A world with rules.
struct PolicyWorld {
    let world: FakeWorld
    let engine: PolicyEngine

    init(_ names: [String: [DNSRecord]] = [:], delay: Duration = .zero, verifier: (any AddressVerifier)? = nil,
         proxyNetworks: [IPNetwork]? = nil, verification: VerificationSettings? = nil, _ change: (inout PolicySettings) -> Void) throws {
        let zone = Zone(names.mapValues { records in
            var entry = Zone.Entry(records)
            entry.delay = delay
            return entry
        })
        engine = PolicyEngine(verifier: verifier)
        var settings = PolicySettings()
        change(&settings)
        var world = try FakeWorld(proxyNetworks: proxyNetworks, resolver: ZoneResolver(zone), engine: engine)
        world.policy = try FakeWorld.policy(proxyNetworks: proxyNetworks, rulesAgainstAbuse: settings, verification: verification)
        self.world = world
    }

    /// Says lines and lets DNS answer.
    func say(_ connection: FakeConnection, _ lines: String..., within time: Duration = .milliseconds(1)) -> String {
        var said = ""
        for line in lines {
            said += connection.say(line)
            world.loop.advance(by: time)
            said += connection.heard()
        }
        return said
    }

    func connect(_ address: String = "198.51.100.1") throws -> FakeConnection {
        let connection = world.connect(from: .ip(try #require(IPAddress(address)), port: 4000))
        world.loop.advance(by: .milliseconds(1))
        return connection
    }

    /// The answer to the first recipient of a new client.
    func attempt(from address: String = "198.51.100.1", hello: String = "client.example", sender: String = "x@client.example",
                 to recipient: String = "alice@local.example") throws -> String {
        let connection = try connect(address)
        _ = say(connection, "EHLO \(hello)", "MAIL FROM:<\(sender)>")
        defer { _ = say(connection, "QUIT") }
        return say(connection, "RCPT TO:<\(recipient)>")
    }

    /// The rules that refused something.
    var refusals: [String] {
        world.observer.occurrences.compactMap {
            guard case .refused(_, _, let rule?) = $0 else { return nil }
            return rule.rule
        }
    }

    var findings: [String] {
        world.observer.occurrences.flatMap { occurrence -> [String] in
            guard case .disconnected(_, _, let findings) = occurrence else { return [] }
            return findings.map(\.description)
        }
    }
}

@Suite struct PolicyTests {
    // MARK: Lists in DNS

    private static let listed: [String: [DNSRecord]] = [
        "1.100.51.198.bad.example": [.a(.v4(0x7f00_0002))], "1.100.51.198.worse.example": [.a(.v4(0x7f00_0004)), .a(.v4(0x7f00_0005))],
        "2.100.51.198.bad.example": [.a(.v4(0x7f00_0002))], "2.100.51.198.good.example": [.a(.v4(0x7f00_0301))],
        "3.100.51.198.bad.example": [.a(.v4(0x7fff_fffe))], "3.100.51.198.worse.example": [.a(.v4(0x0102_0304))],
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.b.d.0.1.0.0.2.worse.example": [.a(.v4(0x7f00_0002))],
    ]

    private static func lists(_ settings: inout PolicySettings) {
        settings.dnsLists.mode = .enforce
        settings.dnsLists.lists = [DNSList(zone: "bad.example", weight: 4), DNSList(zone: "worse.example", weight: 8),
                                   DNSList(zone: "good.example", weight: -20)]
    }

    @Test("Weights add up, once a list; error codes and strange answers do not count", arguments: [
        ("198.51.100.1", "554 5.7.1 Client host [198.51.100.1] is listed by bad.example, worse.example\r\n"),
        ("198.51.100.2", "250"), ("198.51.100.3", "250"),
    ])
    func weights(address: String, reply: String) throws {
        let world = try PolicyWorld(PolicyTests.listed, delay: .milliseconds(20), PolicyTests.lists)
        let connection = try world.connect(address)
        _ = world.say(connection, "EHLO client.example", "MAIL FROM:<>")
        #expect(connection.say("RCPT TO:<alice@local.example>") == "" && !connection.isReading, "the lists have not answered yet")
        world.world.loop.advance(by: .milliseconds(30))
        #expect(connection.heard().hasPrefix(reply))
        #expect(world.say(connection, "RCPT TO:<postmaster@local.example>").hasPrefix("550 5.1.1"), "the postmaster can be asked why")
    }

    @Test("An IPv6 address is asked for by its nibbles, and a list that is too slow does not count")
    func slowLists() throws {
        for (delay, reply) in [(Duration.seconds(1), "554"), (.seconds(9), "250")] {
            let world = try PolicyWorld(PolicyTests.listed, delay: delay) {
                PolicyTests.lists(&$0)
                $0.dnsLists.refuseAt = 8
            }
            let connection = try world.connect("2001:db9::1")
            _ = world.say(connection, "EHLO client.example", "MAIL FROM:<>", "RCPT TO:<alice@local.example>")
            world.world.loop.advance(by: .seconds(5))
            #expect(connection.heard().hasPrefix(reply))
        }
    }

    @Test("Answers by network and by mask", arguments: [
        (DNSList(zone: "z", weight: 1, answers: [IPNetwork("127.0.0.4/30")].compactMap { $0 }), 0x7f00_0005, true),
        (DNSList(zone: "z", weight: 1, answers: [IPNetwork("127.0.0.4/30")].compactMap { $0 }), 0x7f00_0002, false),
        (DNSList(zone: "z", weight: 1, mask: 6), 0x7f00_0004, true), (DNSList(zone: "z", weight: 1, mask: 6), 0x7f00_0009, false),
        (DNSList(zone: "z", weight: 1), 0x7f00_0001, false), (DNSList(zone: "z", weight: 1), 0x7fff_ff02, false),
        (DNSList(zone: "z", weight: 1), 0x0a00_0002, false),
    ])
    func answers(list: DNSList, answer: UInt32, counts: Bool) { #expect(list.counts(.v4(answer)) == counts) }

    // MARK: The name in EHLO, the name of the address

    @Test("Names that no honest stranger goes by", arguments: [
        ("MX.local.example", "550 5.7.1 That is my name"), ("[192.0.2.254]", "550 5.7.1 That is my name"),
        ("[10.1.1.1]", "550 5.7.1 The address"), ("198.51.100.1", "550 5.7.1 The address"), ("[198.51.100.1]", "250"),
        ("desktop", "550 5.7.1 The name"), ("nowhere.example", "550 5.7.1 The name that you gave with EHLO is not in DNS"),
        ("client.example", "250"),
    ])
    func hello(name: String, reply: String) throws {
        let world = try PolicyWorld(["client.example": [.mx(preference: 10, exchange: "client.example")]]) {
            $0.hello.ownName = .enforce
            $0.hello.literal = .enforce
            $0.hello.unqualified = .enforce
            $0.hello.unresolved = .enforce
            $0.ownNames = ["mx.local.example"]
        }
        #expect(try world.attempt(hello: name).hasPrefix(reply))
        let proxy = world.world.opened(from: FakeWorld.trusted)
        #expect(world.say(proxy, "EHLO \(name)", "MAIL FROM:<>", "RCPT TO:<alice@local.example>").hasSuffix("2.1.5 Recipient OK\r\n"), "a relay network")
    }

    @Test("A better name in a second EHLO makes good for the first")
    func secondHello() throws {
        let world = try PolicyWorld { $0.hello.unqualified = .enforce }
        let connection = try world.connect()
        _ = world.say(connection, "EHLO desktop", "MAIL FROM:<>")
        #expect(world.say(connection, "RCPT TO:<alice@local.example>").hasPrefix("550 5.7.1"))
        _ = world.say(connection, "EHLO desk.client.example", "MAIL FROM:<>")
        #expect(world.say(connection, "RCPT TO:<alice@local.example>").hasPrefix("250"))
    }

    @Test("What DNS says of the address; a DNS that fails is no fault of the client")
    func reverseName() throws {
        let names: [String: [DNSRecord]] = ["1.100.51.198.in-addr.arpa": [.ptr("mail.client.example")], "mail.client.example": [.a(.v4(0xc633_6401))],
                                            "2.100.51.198.in-addr.arpa": [.ptr("mail.client.example")]]
        let world = try PolicyWorld(names) {
            $0.reverseName.missing = .enforce
            $0.reverseName.unconfirmed = .log
        }
        #expect(try world.attempt(from: "198.51.100.1").hasPrefix("250"))
        #expect(try world.attempt(from: "198.51.100.2").hasPrefix("250"))
        #expect(try world.attempt(from: "198.51.100.3").hasPrefix("550 5.7.25"))
        #expect(world.findings == ["reverseName.unconfirmed observed: mail.client.example", "reverseName.missing enforced: no name"])
        #expect(world.refusals == ["reverseName.missing"])
    }

    // MARK: Waiting

    @Test("The greeting waits, and who does not wait for it is told so")
    func earlyTalker() throws {
        let world = try PolicyWorld {
            $0.earlyTalker.mode = .enforce
            $0.earlyTalker.greetingDelay = .seconds(2)
        }
        let patient = try world.connect()
        #expect(patient.heard() == "" && patient.isReading)
        world.world.loop.advance(by: .seconds(2))
        #expect(patient.heard().hasPrefix("220"))
        let hasty = try world.connect()
        #expect(hasty.say("EHLO client.example") == "554 5.5.0 You spoke before you were greeted, goodbye\r\n" && hasty.isClosed)
        #expect(world.refusals == ["earlyTalker"])
        #expect(world.world.connect(from: FakeWorld.trusted).heard().hasPrefix("220"), "a relay network is greeted at once")
    }

    @Test("With log alone the hasty client is served after the delay, and not read from before")
    func earlyTalkerLogged() throws {
        let world = try PolicyWorld {
            $0.earlyTalker.mode = .log
            $0.earlyTalker.greetingDelay = .seconds(2)
        }
        let hasty = try world.connect()
        #expect(hasty.say("EHLO client.example") == "" && !hasty.isReading)
        world.world.loop.advance(by: .seconds(2))
        #expect(hasty.heard().hasPrefix("220 mx.local.example ESMTP Baton\r\n250-"))
        hasty.hangUp()
        #expect(world.findings == ["earlyTalker observed: input before the greeting"])
    }

    @Test("What comes along with a PROXY header was said before the greeting")
    func earlyProxied() throws {
        let world = try PolicyWorld(proxyNetworks: [IPNetwork("192.0.2.0/24")].compactMap { $0 }) { $0.earlyTalker.mode = .enforce }
        let connection = try world.connect("192.0.2.5")
        connection.deliver(Array("PROXY 198.51.100.9\nEHLO client.example\r\n".utf8))
        #expect(connection.heard().hasPrefix("554 5.5.0"))
    }

    @Test("Suspects wait for their answers, others do not; the tarpit has an end")
    func tarpit() throws {
        let world = try PolicyWorld {
            $0.hello.unqualified = .log
            $0.tarpit.mode = .enforce
            $0.tarpit.maxWaiting = 1
        }
        #expect(try world.attempt().hasPrefix("250"))
        let suspects = try (0..<2).map { _ in try world.connect() }
        for suspect in suspects { _ = world.say(suspect, "EHLO desktop", "MAIL FROM:<>") }
        #expect(suspects[0].say("RCPT TO:<alice@local.example>") == "")
        #expect(suspects[1].say("RCPT TO:<alice@local.example>").hasPrefix("250"), "one at a time is kept waiting")
        world.world.loop.advance(by: .seconds(5))
        #expect(suspects[0].heard().hasPrefix("250"))
        #expect(suspects[0].say("RCPT TO:<nobody@local.example>") == "")
        suspects[0].hangUp()
        #expect(suspects[1].say("RCPT TO:<nobody@local.example>") == "", "who hangs up makes room")
    }

    // MARK: Verification

    @Test("HOSTILE 30: the next hop's reply to RCPT decides, and is remembered; nothing else makes an address bad")
    func recipientVerification() throws {
        let verifier = FakeVerifier()
        let world = try PolicyWorld(verifier: verifier) { $0.recipientVerification.mode = .enforce }
        verifier.standings = ["good@backup.example": .good, "bad@backup.example": .bad(Reply(550, nil, "no such user")),
                              "dark@backup.example": .unknown("EHLO was answered 554")]
        #expect(try world.attempt(to: "good@backup.example").hasPrefix("250"))
        #expect(try world.attempt(to: "bad@backup.example") == "550 5.1.1 Unknown recipient\r\n")
        #expect(try world.attempt(to: "dark@backup.example").hasPrefix("250"))
        for _ in 0..<3 {
            _ = try world.attempt(to: "good@backup.example")
            _ = try world.attempt(to: "bad@backup.example")
            _ = try world.attempt(to: "dark@backup.example")
        }
        #expect(verifier.asked.filter { $0.hasPrefix("good") }.count == 1 && verifier.asked.filter { $0.hasPrefix("bad") }.count == 1)
        #expect(verifier.asked.filter { $0.hasPrefix("dark") }.count == 4, "what is not known is asked again")
        #expect(try world.attempt(to: "alice@local.example").hasPrefix("250") && !verifier.asked.contains("alice@local.example"))
        world.world.loop.advance(by: .hours(2))
        _ = try world.attempt(to: "bad@backup.example")
        #expect(verifier.asked.filter { $0.hasPrefix("bad") }.count == 2)
    }

    @Test("A question without an answer lets the address pass in the end")
    func silentVerifier() throws {
        let verifier = FakeVerifier()
        let world = try PolicyWorld(verifier: verifier) { $0.recipientVerification.mode = .enforce }
        let connection = try world.connect()
        _ = world.say(connection, "EHLO client.example", "MAIL FROM:<>")
        #expect(world.say(connection, "RCPT TO:<silent@backup.example>") == "")
        world.world.loop.advance(by: .seconds(20))
        #expect(connection.heard().hasPrefix("250"))
    }

    @Test("Sender verification is off unless asked for")
    func senderVerification() throws {
        let verifier = FakeVerifier()
        verifier.standings = ["x@client.example": .bad(Reply(550, nil, "gone"))]
        let off = try PolicyWorld(verifier: verifier) { $0.hello.literal = .log }
        #expect(try off.attempt().hasPrefix("250") && verifier.asked.isEmpty)
        let on = try PolicyWorld(verifier: verifier) { $0.senderVerification.mode = .enforce }
        let connection = try on.connect()
        #expect(on.say(connection, "EHLO client.example", "MAIL FROM:<x@client.example>").hasSuffix("550 5.1.7 Your address is refused by its own host\r\n"))
        #expect(on.say(connection, "MAIL FROM:<>").hasPrefix("250"))
    }
}

/// Answers from a table; an address that is not in it gets no answer.
final class FakeVerifier: AddressVerifier, @unchecked Sendable {
    var standings: [String: AddressStanding] = [:]
    private(set) var asked: [String] = []

    func verify(_ address: EmailAddress, on loop: any Loop, completion: @escaping @Sendable (AddressStanding) -> Void) {
        asked.append(address.description)
        guard let standing = standings[address.description] else { return }
        loop.execute { completion(standing) }
    }
}
