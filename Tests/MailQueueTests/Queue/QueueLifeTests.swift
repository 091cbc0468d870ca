import BatonTesting
import Events
@testable import MailQueue
import MessageFormat
import Ports
import SMTP
import Storage
import Testing

@Suite struct QueueLifeTests {
    @Test func acceptedMailIsDeliveredAsItCame() throws {
        let world = QueueWorld()
        let id = try #require(world.accept(Mail.envelope(to: "bob@b.example"), body: "Subject: x\r\n\r\nbody\r\n"))
        #expect(world.status.messages == 1)
        world.deliver()
        #expect(world.status.messages == 0)
        let attempt = try #require(world.delivery.attempts.first)
        #expect(world.delivery.attempts.count == 1)
        #expect(attempt.message == id)
        #expect(attempt.content.bodyInMemory == Array("Subject: x\r\n\r\nbody\r\n".utf8))
        let prefix = String(decoding: attempt.content.prefix, as: UTF8.self)
        #expect(prefix.hasPrefix("Received: from client.example ([192.0.2.1])\r\n\tby mx.test.example with ESMTP id \(id)\r\n\tfor <bob@b.example>; "))
        #expect(world.delivery.writes == [true])
    }

    @Test func mailSurvivesPowerLossAndIsDeliveredOnce() throws {
        let world = QueueWorld()
        let id = try #require(world.accept(Mail.envelope(to: "bob@b.example", "eve@e.example")))
        world.crash()
        #expect(world.status.messages == 1)
        world.deliver()
        #expect(world.status.messages == 0)
        #expect(world.delivery.attempts.count == 2)
        #expect(world.delivery.attempts.allSatisfy { $0.message == id && $0.content.bodyInMemory == Array("Subject: hello\r\n\r\nHello.\r\n".utf8) })
        world.run(.seconds(1))
        world.crash()
        #expect(world.status.messages == 0)
        world.deliver()
        #expect(world.delivery.attempts.isEmpty)
    }

    @Test func deferredMailIsTriedAgainAndBouncesInTheEnd() throws {
        let world = QueueWorld()
        let id = try #require(world.accept(Mail.envelope(to: "bob@b.example", notify: .failure)))
        world.script = { attempt in
            attempt.envelope.reversePath == .null ? .all(attempt, .delivered(nil)) : .all(attempt, .deferred(Mail.greylisted), feedback: .answered)
        }
        world.deliver()
        world.run(.hours(1))
        #expect(world.delivery.attempts.count > 4)
        world.crash()
        let before = world.observer.events.count
        world.deliver()
        world.run(.days(6))
        #expect(world.status.messages == 0, "\(world.observer.events.dropFirst(before).suffix(4))")
        let trace = try #require(world.trace(id))
        let names = trace.events.map(\.detail.name)
        #expect(names.first == "accepted")
        #expect(names.last == "reported")
        #expect(names.filter { $0 == "reported" }.count == 1)
        guard case .attempted(let last)? = trace.events.dropLast().last?.detail, case .expired(let diagnosis)? = last.results.first?.outcome
        else { Issue.record("no expiry"); return }
        #expect(diagnosis.reply?.code == 450)
    }

    @Test func refusedMailComesBackToItsSender() throws {
        let world = QueueWorld()
        let id = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.script = { attempt in
            attempt.envelope.reversePath == .null ? .all(attempt, .delivered(nil)) : .all(attempt, .failed(Mail.noSuchUser), feedback: .answered)
        }
        world.deliver()
        #expect(world.status.messages == 0)
        let bounce = try #require(world.delivery.attempts.last)
        #expect(bounce.envelope.reversePath == .null)
        #expect(bounce.envelope.recipients.map(\.address.description) == ["alice@a.example"])
        #expect(bounce.envelope.recipients.first?.notify == .never)
        #expect(bounce.envelope.origin.reportOn == id)
        let text = String(decoding: try #require(bounce.content.bodyInMemory), as: UTF8.self)
        #expect(text.contains("Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.b.example\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown"))
        #expect(text.contains("There is no mailbox with this address."))
        #expect(text.contains("mx.b.example [192.0.2.7] said:"))
        #expect(text.contains("Subject: hello\r\n\r\nHello.\r\n"))
    }

    @Test func aDomainWithoutMailBouncesWithoutAnAttempt() throws {
        let world = QueueWorld()
        _ = try #require(world.accept(Mail.envelope(to: "bob@reject.example")))
        world.deliver()
        #expect(world.status.messages == 0)
        #expect(world.delivery.attempts.map(\.envelope.reversePath) == [.null])
    }

    @Test func recipientsAreJudgedOneByOne() throws {
        let world = QueueWorld()
        _ = try #require(world.accept(Mail.envelope(to: "good@b.example", "bad@b.example", "slow@b.example", "rest@b.example")))
        var tries: [[String]] = []
        world.script = { attempt in
            if attempt.envelope.reversePath == .null { return .all(attempt, .delivered(nil)) }
            tries.append(attempt.recipients.map { attempt.envelope.recipients[Int($0)].address.localPart })
            return .byName(attempt) { name in
                switch name {
                case "good": .delivered(nil)
                case "bad": .failed(Mail.noSuchUser)
                case "slow": tries.count < 3 ? .deferred(Mail.greylisted) : .delivered(nil)
                default: tries.count == 1 ? .untried : .delivered(nil)
                }
            }
        }
        world.deliver()
        #expect(tries == [["good", "bad", "slow", "rest"], ["rest"]])
        world.crash(.keepingEverything)
        world.deliver()
        world.run(.minutes(5))
        #expect(tries == [["good", "bad", "slow", "rest"], ["rest"], ["slow"]])
        #expect(world.status.messages == 0)
    }

    @Test func bouncesOfBouncesGoToThePostmasterOnce() throws {
        let world = QueueWorld()
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.script = { .all($0, .failed(Mail.noSuchUser), feedback: .answered) }
        world.deliver()
        #expect(world.delivery.attempts.map { $0.envelope.recipients.map(\.address.description) }
            == [["bob@b.example"], ["alice@a.example"], ["postmaster@test.example"]])
        #expect(world.status.messages == 0)
        #expect(world.status.bouncesDropped == 1)
        _ = try #require(world.accept(Mail.envelope(from: "", to: "bob@b.example")))
        world.run()
        #expect(world.delivery.attempts.count == 4)
        #expect(world.status.bouncesDropped == 2)
    }

    @Test func senderHearsOfADelayOnce() throws {
        let world = QueueWorld()
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.script = { attempt in
            attempt.envelope.reversePath == .null ? .all(attempt, .delivered(nil)) : .all(attempt, .deferred(Mail.greylisted), feedback: .answered)
        }
        world.deliver()
        world.run(.hours(5))
        world.crash()
        world.deliver()
        world.run(.hours(20))
        let notices = world.observer.events.filter { if case .reported(let report) = $0.detail { report.action == .delayed } else { false } }
        #expect(notices.count == 1)
    }
}
