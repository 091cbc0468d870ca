import Events
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import SMTP
import Testing

@Suite struct LimitTests {
    private func world(_ limits: LimitRule..., more: (inout PolicySettings) -> Void = { _ in }) throws -> FakeWorld {
        var policy = PolicySettings()
        policy.limits = limits
        more(&policy)
        var world = try FakeWorld()
        world.policy = try FakeWorld.policy(rulesAgainstAbuse: policy)
        return world
    }

    private func send(_ connection: FakeConnection, from sender: String = "<>", to recipient: String = "alice@local.example") -> String {
        connection.say("MAIL FROM:\(sender)", "RCPT TO:<\(recipient)>", "DATA", "x: y", ".")
    }

    @Test("Connections of a /24 at once, until one of them goes")
    func connections() throws {
        let world = try world(LimitRule(name: "net", measure: .connections, subject: .network, max: 2))
        func connect(_ last: UInt32) -> FakeConnection { world.connect(from: .ip(.v4(0xc633_6400 + last), port: 1)) }
        let first = connect(1)
        #expect(!first.isClosed && !connect(2).isClosed)
        let third = connect(3)
        #expect(third.heard().hasPrefix("421 4.7.0 ") && third.isClosed)
        #expect(world.observer.occurrences.contains {
            guard case .refused(_, .connection, let rule?) = $0 else { return false }
            return rule == RuleFinding(rule: "limit.net", effect: .enforced, saw: "198.51.100.0/24 3/2")
        })
        #expect(!world.connect(from: .ip(.v4(0xc633_6501), port: 1)).isClosed, "another network")
        for _ in 0..<10 { #expect(!world.connect(from: FakeWorld.trusted).isClosed) }
        first.hangUp()
        #expect(!connect(4).isClosed)
    }

    @Test("Messages of a client in a window that slides")
    func messages() throws {
        let world = try world(LimitRule(name: "m", measure: .messages, subject: .client, max: 2, window: .minutes(10)))
        let connection = world.opened()
        #expect(send(connection).contains("Queued") && send(connection).contains("Queued"))
        #expect(connection.say("MAIL FROM:<>") == "450 4.7.1 Too many messages, try again later\r\n")
        world.loop.advance(by: .minutes(4))
        #expect(connection.say("MAIL FROM:<>").hasPrefix("450"))
        world.loop.advance(by: .minutes(4))
        _ = connection.say("NOOP")
        world.loop.advance(by: .minutes(4))
        #expect(connection.say("MAIL FROM:<>").hasPrefix("250"), "two minutes into the next window, less than two of the last one count")
    }

    @Test("Recipients are counted when they are taken; over the limit they get 452")
    func recipients() throws {
        let world = try world(LimitRule(name: "r", measure: .recipients, subject: .client, max: 2))
        let connection = world.opened()
        #expect(connection.say("MAIL FROM:<>", "RCPT TO:<alice@local.example>", "RCPT TO:<bob@local.example>").hasSuffix("2.1.5 Recipient OK\r\n"))
        #expect(connection.say("RCPT TO:<admin@local.example>") == "452 4.5.3 Too many recipients, try again later\r\n")
        #expect(connection.say("DATA", "x: y", ".").contains("Queued"))
    }

    @Test("Octets of a sender: what SIZE says counts ahead, what came counts afterwards")
    func octets() throws {
        let world = try world(LimitRule(name: "b", measure: .bytes, subject: .sender, max: 100))
        let connection = world.opened()
        #expect(connection.say("MAIL FROM:<x@client.example> SIZE=101").hasPrefix("450 4.7.1"))
        #expect(connection.say("MAIL FROM:<y@client.example> SIZE=100", "RCPT TO:<bob@local.example>").hasSuffix("OK\r\n"))
        #expect(connection.say("DATA", "x: " + String(repeating: "y", count: 90), ".").contains("Queued"))
        #expect(connection.say("MAIL FROM:<y@client.example> SIZE=10").hasPrefix("450 4.7.1"))
        #expect(connection.say("MAIL FROM:<x@client.example> SIZE=10").hasPrefix("250"))
    }

    @Test("Messages to one recipient")
    func recipientMessages() throws {
        let world = try world(LimitRule(name: "to", measure: .messages, subject: .recipient, max: 1))
        let connection = world.opened()
        #expect(send(connection, to: "alice@local.example").contains("Queued"))
        #expect(connection.say("MAIL FROM:<>", "RCPT TO:<alice@local.example>").hasSuffix("450 4.2.1 Recipient gets too much mail, try again later\r\n"))
        #expect(connection.say("RCPT TO:<bob@local.example>").hasPrefix("250"))
    }

    @Test("Errors of earlier sessions turn a client away")
    func errors() throws {
        let world = try world(LimitRule(name: "e", measure: .errors, subject: .client, max: 3, window: .minutes(10)))
        for _ in 0..<2 {
            let connection = world.opened()
            _ = connection.say("BOO", "BOO", "QUIT")
        }
        #expect(world.connect().heard() == "421 4.7.0 Too many errors from your host, try again later\r\n")
        world.loop.advance(by: .minutes(20))
        #expect(world.connect().heard().hasPrefix("220"))
    }

    @Test("A rule that only logs refuses nothing, and the event of the message tells what it saw")
    func logged() throws {
        let world = try world(LimitRule(name: "m", mode: .log, measure: .messages, subject: .client, max: 1))
        let connection = world.opened()
        #expect(send(connection).contains("Queued") && send(connection).contains("Queued"))
        #expect(world.intake.accepted.map(\.envelope.findings) == [
            [], [RuleFinding(rule: "limit.m", effect: .observed, saw: "198.51.100.1/32 2/1")],
        ])
    }

    @Test("An account is limited wherever it comes from")
    func accounts() throws {
        let world = try world(LimitRule(name: "a", measure: .messages, subject: .account, max: 1))
        for _ in 0..<2 {
            let proxy = world.opened(from: FakeWorld.trusted)
            _ = proxy.say("XCLIENT ADDR=10.0.0.9 LOGIN=eve", "EHLO laptop.example")
            let said = send(proxy, to: "x@elsewhere.example")
            if world.intake.accepted.count == 1, said.contains("Queued") { continue }
            #expect(said.hasPrefix("450 4.7.1"))
        }
        #expect(world.intake.accepted.count == 1)
    }

    @Test("HOSTILE 32: who guesses recipients gets 421, and is turned away for a while")
    func dictionary() throws {
        let world = try world(more: {
            $0.dictionary.mode = .enforce
            $0.dictionary.max = 3
            $0.dictionary.penalty = .minutes(5)
        })
        let connection = world.opened()
        _ = connection.say("MAIL FROM:<>")
        for number in 0..<3 { #expect(connection.say("RCPT TO:<u\(number)@local.example>").hasPrefix("550 5.1.1")) }
        #expect(connection.say("RCPT TO:<u3@local.example>") == "421 4.7.0 Too many unknown recipients, closing connection\r\n")
        #expect(connection.isClosed)
        #expect(world.connect().heard().hasPrefix("421 4.7.0"))
        #expect(world.connect(from: .ip(.v4(0xc633_6402), port: 1)).heard().hasPrefix("220"))
        world.loop.advance(by: .minutes(5))
        #expect(world.connect().heard().hasPrefix("220"))
    }

    @Test("The tables are bounded, whoever comes")
    func bounded() {
        var table = LimitTable(capacity: 1000)
        let rule = LimitRule(name: "m", measure: .messages, subject: .client, max: 1)
        for index in 0..<100_000 {
            let client = LimitSubject.network(IPNetwork(containing: .v4(UInt32(index)), prefixLength: 32))
            table.add(1, rule, client, at: Timestamp(seconds: Int64(index)))
        }
        #expect(table.count <= 1000)
    }
}
