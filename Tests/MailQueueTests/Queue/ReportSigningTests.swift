import BatonTesting
import Cryptography
import Events
import MailAuth
@testable import MailQueue
import MessageFormat
import Ports
import SMTP
import Testing

@Suite("Our own reports are signed") struct ReportSigningTests {
    /// Signs a while later, as threads that have other things to do.
    final class Worker: SigningExecutor, @unchecked Sendable {
        weak var world: QueueWorld?
        private(set) var jobs = 0
        func execute(_ job: @escaping @Sendable () -> Void) {
            guard let world else { return }
            jobs += 1
            let loop = world.session
            loop.execute { _ = loop.schedule(at: loop.now + .milliseconds(3), job) }
        }
    }

    let key: SigningKey
    let worker = Worker()

    init() throws { key = .ed25519(try Ed25519PrivateKey.generate()) }

    private func world(seed: UInt64 = 1, unsigned: Set<EmailAddress> = []) throws -> QueueWorld {
        let keys = try ["s1", "s2"].map { try #require(DKIMKey(domain: Mail.domain("test.example"), selector: $0, key: key)) }
        let rules = SigningRules(keys: [Mail.domain("test.example"): keys], unsignedAuthors: unsigned)
        let world = QueueWorld(seed: seed) {
            $0.reportSigning = ReportSigning(rules, executor: worker) { id, error in Issue.record("\(id): \(error)") }
        }
        worker.world = world
        return world
    }

    /// Whether each signature on top of a report fits it.
    private func verifies(_ attempt: Attempt) throws -> [Bool] {
        let message = attempt.content.prefix + (try #require(attempt.content.bodyInMemory))
        #expect(attempt.envelope.size == UInt64(message.count))
        let header = try MessageHeader(scanning: message)
        return try header.fields("DKIM-Signature").map { field in
            let signature = try DKIMSignature(parsing: header.body(of: field))
            #expect(signature.domain.ascii == "test.example")
            let bodies = BodyHashes()
            let request = bodies.request(signature.bodyCanonicalization, .sha256)
            bodies.receive(message[header.section.bodyStart...])
            bodies.finish()
            let record = try KeyRecord(parsing: Array(KeyRecord.text(of: key).utf8))
            return signature.failure(in: header, field, body: bodies.value(request), key: try PublicKey(record), .standard) == nil
        }
    }

    private func reports(_ world: QueueWorld) -> [Attempt] { world.delivery.attempts.filter { $0.envelope.origin.reportOn != nil } }

    @Test func refusals() throws {
        let world = try world()
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.script = { .all($0, $0.envelope.reversePath == .null ? .delivered(nil) : .failed(Mail.noSuchUser), feedback: .answered) }
        world.deliver()
        #expect(try reports(world).map(verifies) == [[true, true]])
        #expect(world.delivery.writes == [true, true] && world.status.messages == 0)
    }

    @Test func delays() throws {
        let world = try world()
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.script = { .all($0, $0.envelope.reversePath == .null ? .delivered(nil) : .deferred(Mail.greylisted), feedback: .answered) }
        world.onCore { world.delivery.start() }
        world.run(.hours(5))
        #expect(try reports(world).map(verifies) == [[true, true]])
    }

    @Test func expansions() throws {
        let world = try world()
        let aliases = CleanupTests.Aliases(table: ["list@b.example": ["bob@b.example", "carol@c.example"]])
        _ = try #require(world.accept(Mail.envelope(to: "list@b.example", notify: [.success, .failure]), aliases: aliases))
        world.deliver()
        #expect(try reports(world).map(verifies) == [[true, true]])
        #expect(worker.jobs == 1 && world.delivery.attempts.count == 3)
    }

    @Test func authorsMayBeLeftOut() throws {
        let world = try world(unsigned: [Mail.address("MAILER-DAEMON@mx.test.example")])
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        world.script = { .all($0, $0.envelope.reversePath == .null ? .delivered(nil) : .failed(Mail.noSuchUser), feedback: .answered) }
        world.deliver()
        #expect(try reports(world).map(verifies) == [[]])
    }

    @Test func aCrashSeparatesNoReportFromItsOutcome() throws {
        var crashes: Set<Bool> = []
        for step in 1...60 {
            let world = try world(seed: UInt64(step))
            _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
            world.script = { $0.envelope.reversePath == .null ? nil : .all($0, .failed(Mail.noSuchUser), feedback: .answered) }
            world.onCore { world.delivery.start() }
            _ = world.simulator.run(limit: step * 2) { false }
            world.crash(.random(seed: UInt64(step)))
            #expect(world.status.messages == 1, "step \(step)")
            var isReport = false
            world.onCore {
                for slot in 0..<world.queue.table.bound where world.queue.table.isOccupied(slot) {
                    isReport = world.queue.table[slot].flags.contains(.report)
                }
            }
            crashes.insert(isReport)
        }
        #expect(crashes == [true, false], "the sweep must cross the moment in which the report takes the message's place")
    }
}
