import DNS
import Events
import MailAuth
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import SMTP
import Testing

@Suite("Mail that an alias leads outside") struct ForwardingTests {
    static func world(_ occasion: ForwardingRules.Occasion = .needed, isVerified: Bool = false) throws -> (FakeWorld, SRS) {
        let srs = try #require(SRS(domain: Domain(parsing: "local.example"), secrets: [Array("secret".utf8)]))
        var rules = try FakeWorld.rules(["sales@local.example": ["bob@local.example", "carol@partner.example"]])
        rules.srs = srs
        var receiving = ReceivingSettings()
        receiving.clientNames = .omitted
        var world = try FakeWorld(receiving, resolver: ZoneResolver(try Zone(json: Array(VerificationTests.zone.utf8))))
        var cleanup = CleanupSettings(hostName: try Domain(parsing: "mx.local.example"))
        cleanup.forwarding = ForwardingRules(srs: srs, occasion: occasion)
        var session = ServerSettings()
        session.hostname = "mx.local.example"
        world.policy = ListenerPolicy(name: "inbound", session: session, rules: rules, cleanup: cleanup,
                                      verification: isVerified ? try VerificationTests.settings(.log) : nil)
        return (world, srs)
    }

    static func send(_ world: FakeWorld, from sender: String, to recipient: String = "sales@local.example") -> String {
        let connection = world.opened()
        let reply = connection.say("MAIL FROM:<\(sender)>", "RCPT TO:<\(recipient)>")
        guard connection.say("DATA").hasPrefix("354") else { return reply }
        connection.deliver(Array("From: joe@good.example\r\n\r\nhello\r\n.\r\n".utf8))
        world.loop.advance(by: .milliseconds(1))
        return connection.heard()
    }

    @Test func theSenderIsRewrittenTowardsOutsiders() throws {
        let (world, _) = try ForwardingTests.world()
        #expect(ForwardingTests.send(world, from: "joe@good.example").hasPrefix("250"))
        let envelope = try #require(world.intake.accepted.first?.envelope)
        #expect(envelope.recipients.map(\.isForwarded) == [false, false, true])
        #expect(envelope.reversePath.description == "<joe@good.example>")
        #expect(envelope.reversePath(towards: [1]) == envelope.reversePath)
        #expect(envelope.reversePath(towards: [2]).description.hasPrefix("<SRS0="))
        #expect(envelope.reversePath(towards: [2]).description.hasSuffix("=good.example=joe@local.example>"))
    }

    @Test(arguments: [("joe@good.example", true), ("joe@client.example", false), ("alice@local.example", false), ("", false)])
    func onlyWhereSPFWouldBreak(sender: String, isRewritten: Bool) throws {
        let (world, _) = try ForwardingTests.world(isVerified: true)
        #expect(ForwardingTests.send(world, from: sender).hasPrefix("250"))
        #expect((world.intake.accepted.first?.envelope.forwardedReversePath != nil) == isRewritten)
    }

    @Test func alwaysMeansAlways() throws {
        let (world, _) = try ForwardingTests.world(.always, isVerified: true)
        _ = ForwardingTests.send(world, from: "joe@client.example")
        #expect(world.intake.accepted.first?.envelope.forwardedReversePath != nil)
    }

    @Test func bouncesComeBack() throws {
        let (world, srs) = try ForwardingTests.world()
        let joe = try EmailAddress(parsing: "joe@good.example")
        let rewritten = try #require(srs.forward(joe, at: world.loop.now))
        #expect(ForwardingTests.send(world, from: "", to: rewritten.description).hasPrefix("250"))
        let recipients = try #require(world.intake.accepted.first?.envelope.recipients)
        #expect(recipients.filter { !$0.isExpanded }.map(\.address) == [joe])
        let old = try #require(srs.forward(joe, at: world.loop.now - .days(30)))
        #expect(ForwardingTests.send(world, from: "", to: old.description).contains("550 5.1.1"))
        #expect(ForwardingTests.send(world, from: "", to: "SRS0=AAAA=2W=good.example=joe@local.example").contains("550 5.1.1"))
        #expect(world.intake.accepted.count == 1, "nobody relays through a forged hash")
    }
}
