import Events
import MailQueue
import MessageFormat
import Ports
import Receiving
import SMTP
import Sockets
import Testing

@testable import Control

@Suite("Submission", .timeLimit(.minutes(1)))
struct SubmitClientTests {
    private let intake = RecordingIntake()
    private let listener: NIOListener
    private let path: String

    init() throws {
        path = temporaryDirectory() + "/submit"
        let host = try Domain(parsing: "host.example")
        var session = ServerSettings()
        session.hostname = host.ascii
        session.dialect = .submission
        session.maxMessageSize = 100_000
        let rules = AddressRules(postmaster: try EmailAddress(parsing: "postmaster@host.example"))
        let policy = ListenerPolicy(name: "submit", session: session, rules: rules, cleanup: CleanupSettings(hostName: host))
        let service = SMTPService(intake: intake, mint: QueueIDMint(incarnation: 1))
        var settings = ListenerSettings()
        settings.fileMode = 0o666
        listener = try NIOListener.listen(on: .unix(path: path), settings: settings, group: testLoops) {
            service.makeHandler(policy, on: $0)
        }
    }

    private func send(_ options: [String], _ input: String) throws -> [SubmitClient.Answer] {
        let arguments = try SendmailArguments(options)
        let clock = ProcessClock()
        return try SubmitClient(path: path) { clock.now }.send(helloName: "localhost", trace: { _ in }) { host throws(LocalMessage.Mistake) in
            try LocalMessage(arguments, input: Array(input.utf8), user: "me", host: host)
        }
    }

    @Test("a message arrives with its envelope, its parameters, and the user who sent it")
    func arrives() throws {
        defer { listener.close() }
        let answers = try send(["-N", "failure", "-R", "hdrs", "-i", "bob", "jürg@x.example"], "Subject: ü\n\n.\n..dot\nend")
        #expect(answers.map(\.answer.isAccepted) == [true, true])
        let submission = try #require(intake.accepted.first)
        #expect(submission.envelope.reversePath.description == "<me@host.example>")
        #expect(submission.envelope.recipients.map(\.address.description) == ["bob@host.example", "jürg@x.example"])
        #expect(submission.envelope.recipients.allSatisfy { $0.notify == .failure })
        #expect(submission.envelope.returnContent == .headers)
        #expect(submission.envelope.smtpUTF8)
        #expect(submission.envelope.origin.userID != nil)
        #expect(submission.envelope.origin.listener == "submit")
        #expect(String(decoding: submission.body, as: UTF8.self)
            == "From: me@host.example\r\nSubject: ü\r\n\r\n.\r\n..dot\r\nend\r\n")
        #expect(String(decoding: submission.prefix, as: UTF8.self).contains("Message-ID: <"))
    }

    @Test("refusals come back for each recipient")
    func refusals() throws {
        defer { listener.close() }
        intake.refusal = .insufficientStorage
        let answers = try send(["bob"], "x\n")
        guard case .refused(let reply, _)? = answers.first?.answer else {
            Issue.record("not refused: \(answers)")
            return
        }
        #expect(reply.code == 452)
        let large = try send(["bob"], String(repeating: "0123456789abcde\n", count: 10_000))
        guard case .unsuitable? = large.first?.answer else {
            Issue.record("not too large: \(large)")
            return
        }
    }

    @Test("mistakes are found before the daemon hears of the message")
    func mistakes() throws {
        defer { listener.close() }
        #expect(throws: LocalMessage.Mistake.noRecipients) { try send(["-t"], "Subject: s\n\nx\n") }
        #expect(intake.accepted.isEmpty)
    }
}
