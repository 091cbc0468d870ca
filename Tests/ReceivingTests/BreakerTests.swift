import Events
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import SMTP
import Testing

@Suite struct BreakerTests {
    private func world(_ change: (inout BreakerRule) -> Void) throws -> PolicyWorld {
        try PolicyWorld {
            $0.breaker.mode = .enforce
            change(&$0.breaker)
        }
    }

    /// Sends a message as `account` to these recipients; tells whether it is held.
    private func send(_ world: PolicyWorld, as account: String = "eve", to recipients: String...) throws -> HoldReason? {
        let proxy = world.world.opened(from: FakeWorld.trusted)
        world.world.loop.advance(by: .milliseconds(1))
        _ = world.say(proxy, "XCLIENT ADDR=10.0.0.9 LOGIN=\(account)", "EHLO laptop.example", "MAIL FROM:<\(account)@local.example>")
        for recipient in recipients { #expect(proxy.say("RCPT TO:<\(recipient)>").hasPrefix("250")) }
        #expect(proxy.say("DATA", "x: y", ".").contains("Queued"), "held is not refused")
        return try #require(world.world.intake.accepted.last).hold
    }

    @Test("Unusual fan-out holds the mail of that account alone, until it is usual again")
    func fanOut() throws {
        let world = try world { $0.maxRecipients = 3 }
        #expect(try send(world, to: "a@x.example", "b@x.example") == nil)
        #expect(try send(world, to: "c@x.example") == nil)
        #expect(try send(world, to: "c@x.example") == .account)
        let finding = try #require(world.world.intake.accepted.last?.envelope.findings.first)
        #expect(finding == RuleFinding(rule: "breaker", effect: .enforced, saw: "eve: 4/3 recipients"))
        #expect(try send(world, as: "adam", to: "c@x.example") == nil)
        world.world.loop.advance(by: .hours(3))
        #expect(try send(world, to: "c@x.example") == nil)
    }

    @Test("Recipients that the account knows do not count as new, over a restart either")
    func newRecipients() throws {
        let world = try world {
            $0.maxNewRecipients = 2
            $0.window = .minutes(10)
        }
        #expect(try send(world, to: "a@x.example", "b@x.example") == nil)
        for _ in 0..<5 { #expect(try send(world, to: "a@x.example", "b@x.example") == nil) }
        #expect(try send(world, to: "c@x.example") == .account)

        let later = try self.world { $0.maxNewRecipients = 2 }
        later.engine.restore(world.engine.snapshot)
        #expect(try send(later, to: "a@x.example", "b@x.example", "c@x.example") == nil)
    }

    @Test("Bounces hold what comes after them")
    func bounces() throws {
        let world = try world {
            $0.minResults = 4
            $0.maxBounceShare = 0.5
        }
        #expect(try send(world, to: "a@x.example") == nil)
        let envelope = try #require(world.world.intake.accepted.last).envelope
        let bounce = RecipientOutcome.bounced(Diagnosis(status: .init(5, 1, 1), explanation: "no such user", bounceClass: .unknownMailbox))
        func end(_ outcome: RecipientOutcome, at time: Timestamp) {
            let result = AttemptResult(number: 1, host: nil, duration: .zero, results: [RecipientResult(recipient: 0, outcome: outcome)])
            world.engine.recorded(MailEvent(message: QueueID(rawValue: 1), time: time, detail: .attempted(result)), envelope: envelope)
        }
        let now = world.world.loop.now
        for _ in 0..<2 { end(.delivered(nil), at: now) }
        for _ in 0..<2 { end(bounce, at: now) }
        #expect(try send(world, to: "a@x.example") == nil, "half is not more than half")
        end(bounce, at: now)
        #expect(try send(world, to: "a@x.example") == .account)
    }

    @Test("With log alone nothing is held")
    func logged() throws {
        let world = try world {
            $0.mode = .log
            $0.maxRecipients = 1
        }
        #expect(try send(world, to: "a@x.example", "b@x.example") == nil)
        #expect(world.world.intake.accepted.last?.envelope.findings.first?.effect == .observed)
    }
}
