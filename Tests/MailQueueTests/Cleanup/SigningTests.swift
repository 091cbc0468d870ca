import Cryptography
import Events
import MailAuth
@testable import MailQueue
import MessageFormat
import Ports
import SMTP
import Synchronization
import Testing

@Suite("Signing on the way in") struct SigningTests {
    /// Runs jobs when the test says so, as worker threads would some time later.
    final class Worker: SigningExecutor {
        private let jobs = Mutex<[@Sendable () -> Void]>([])
        func execute(_ job: @escaping @Sendable () -> Void) { jobs.withLock { $0.append(job) } }
        func run() { for job in jobs.withLock({ jobs in defer { jobs = [] }; return jobs }) { job() } }
    }

    /// Keeps what comes through.
    final class Intake: MessageIntake {
        private let accepted = Mutex<[Submission]>([])
        var first: Submission? { accepted.withLock { $0.first } }
        func accept(_ submission: Submission, replyOn loop: any Loop, completion: @escaping @Sendable (AcceptResult) -> Void) {
            accepted.withLock { $0.append(submission) }
        }
        func appendChunk(_ id: QueueID, _ bytes: [UInt8], replyOn loop: any Loop, completion: @escaping @Sendable (ChunkResult) -> Void) {}
        func abandon(_ id: QueueID) {}
    }

    let rules: SigningRules

    init() throws {
        let keys = try ["s1", "s2"].map { selector in
            try #require(DKIMKey(domain: Mail.domain("a.example"), selector: selector, key: .ed25519(Ed25519PrivateKey.generate())))
        }
        rules = SigningRules(keys: [Mail.domain("a.example"): keys], unsignedAuthors: [Mail.address("quiet@a.example")])
    }

    private func prepare(_ message: String, _ authorship: Authorship = .own, chunk: Int? = nil) throws -> Submission {
        var envelope = Mail.envelope(to: "bob@b.example")
        envelope.arrival = Timestamp(seconds: 1_700_000_000)
        let octets = Array(message.utf8)
        var incoming = IncomingMessage(id: CleanupTests.id, envelope: envelope, body: octets, completion: .submission)
        incoming.authorship = authorship
        if let chunk {
            let header = try MessageHeader(scanning: octets)
            incoming.firstChunk = Array(octets[..<header.section.bodyStart])
            incoming.chunkedSize = UInt64(chunk)
            incoming.body = Array(octets[chunk...])
            let digest = BodyDigest(rules.signer)
            digest.receive(octets[header.section.bodyStart..<chunk])
            digest.receive(octets[chunk...])
            incoming.bodyHash = digest.finish()
        }
        return try Cleanup(settings: CleanupSettings(hostName: Mail.domain("mx.test.example")), signing: rules).prepare(incoming)
    }

    /// What the log gets of a submission, after the worker has run.
    private func sign(_ submission: Submission) throws -> Submission {
        let intake = Intake(), worker = Worker()
        let signing = SigningIntake(intake, executor: worker) { id, error in Issue.record("\(id): \(error)") }
        let world = QueueWorld()
        signing.accept(submission, replyOn: world.core) { _ in }
        if submission.signatures != nil { #expect(intake.first == nil, "the loop does not wait for signatures") }
        worker.run()
        return try #require(intake.first)
    }

    /// Whether every signature on top of `message` fits it.
    private func verifies(_ message: [UInt8]) throws -> [Bool] {
        let header = try MessageHeader(scanning: message)
        return try header.fields("DKIM-Signature").map { field in
            let signature = try DKIMSignature(parsing: header.body(of: field))
            let bodies = BodyHashes()
            let request = bodies.request(signature.bodyCanonicalization, .sha256)
            bodies.receive(message[header.section.bodyStart...])
            bodies.finish()
            let key = try #require(rules.keys[signature.domain]?.first { $0.selector == signature.selector })
            let record = try KeyRecord(parsing: Array(KeyRecord.text(of: key.key).utf8))
            return signature.failure(in: header, field, body: bodies.value(request), key: try PublicKey(record), .standard) == nil
        }
    }

    static let message = "From: Alice <alice@a.example>\r\nSubject: x\r\n\r\nhi  there \r\n\r\n"

    @Test("All keys of the author's domain sign, our own Date and Message-ID too") func signs() throws {
        for chunk in [nil, 50] {
            let before = try prepare(SigningTests.message, chunk: chunk)
            let after = try sign(before)
            let prefix = String(decoding: after.prefix, as: UTF8.self)
            #expect(prefix.hasPrefix("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.example;"))
            #expect(prefix.hasSuffix(String(decoding: before.prefix, as: UTF8.self)))
            #expect(after.envelope.size == before.envelope.size + UInt64(after.prefix.count - before.prefix.count))
            #expect(after.chunkedSize == before.chunkedSize)
            #expect(try verifies(after.prefix + Array(SigningTests.message.utf8)) == [true, true])
            let forged = prefix.replacing("Message-ID: <", with: "Message-ID: <x") + SigningTests.message
            #expect(try verifies(Array(forged.utf8)) == [false, false])
        }
    }

    @Test("Who is not signed", arguments: [
        ("From: eve@e.example\r\n\r\n", Authorship.own), ("From: alice@a.example\r\n\r\n", .foreign), ("Subject: no author\r\n\r\n", .own),
        ("From: alice@a.example\r\nFrom: eve@e.example\r\n\r\n", .own), ("From: alice@a.example, eve@e.example\r\n\r\n", .own),
        ("From: quiet@a.example\r\n\r\n", .own), ("From: alice@aa.example\r\n\r\n", .own), ("no header", .own), ("", .own),
        ("From: alice@a.example\r\nbroken line\r\n\r\n", .own),
    ])
    func unsigned(message: String, authorship: Authorship) throws {
        let submission = try prepare(message, authorship)
        #expect(submission.signatures == nil)
        #expect(try sign(submission).prefix == submission.prefix)
    }

    @Test("Authors below a domain with keys are signed for") func subdomains() throws {
        let message = "From: alice@news.a.example\r\n\r\nhi\r\n"
        #expect(try verifies(sign(prepare(message)).prefix + Array(message.utf8)) == [true, true])
    }

    @Test func listenersMayBeLeftOut() {
        var rules = rules
        #expect(rules.mayApply(toListener: ":25"))
        rules.listeners = [":587"]
        #expect(!rules.mayApply(toListener: ":25") && rules.mayApply(toListener: ":587"))
        rules.keys = [:]
        #expect(!rules.mayApply(toListener: ":587"))
    }
}
