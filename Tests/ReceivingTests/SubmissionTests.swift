import Events
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import SMTP
import Testing

/// Answers when the test says so.
private final class FakeAuthenticator: Authenticator, @unchecked Sendable {
    private(set) var attempts: [AuthenticationAttempt] = []
    private(set) var abandoned: [UInt64] = []
    private var completions: [@Sendable (AuthenticationAnswer) -> Void] = []

    func authenticate(_ attempt: AuthenticationAttempt, on loop: any Loop, completion: @escaping @Sendable (AuthenticationAnswer) -> Void) {
        attempts.append(attempt)
        completions.append(completion)
    }

    func abandon(_ exchange: UInt64) { abandoned.append(exchange) }

    func answer(_ answer: AuthenticationAnswer) { completions.removeFirst()(answer) }
}

@Suite struct SubmissionTests {
    private let authenticator = FakeAuthenticator()

    private func world(_ change: (inout SubmissionRules) -> Void = { _ in }) throws -> FakeWorld {
        var world = try FakeWorld()
        var session = ServerSettings()
        session.dialect = .submission
        var authentication = AuthenticationSettings()
        authentication.protection = .optional
        authentication.use = .required
        session.authentication = authentication
        var rules = SubmissionRules(authenticator: authenticator)
        change(&rules)
        world.policy = ListenerPolicy(name: "submission", session: session, rules: try FakeWorld.rules(),
                                      cleanup: CleanupSettings(hostName: try Domain(parsing: "mx.local.example")),
                                      xclientNetworks: [IPNetwork("10.0.0.0/8")].compactMap { $0 }, submission: rules)
        return world
    }

    private func alice(_ patterns: String...) -> AuthenticatedAccount {
        AuthenticatedAccount(name: "alice", senders: SenderPatterns(patterns.compactMap { SenderPatterns.Pattern($0) }))
    }

    private func login(_ connection: FakeConnection, as account: AuthenticatedAccount) -> String {
        #expect(connection.say("AUTH PLAIN AGFsaWNlAHBlbmNpbA==") == "")
        #expect(!connection.isReading)
        authenticator.answer(.accepted(account))
        return connection.heard()
    }

    @Test("A stranger may not send; an account may, to anybody") func relay() throws {
        let world = try world()
        let connection = world.opened()
        #expect(connection.say("MAIL FROM:<alice@local.example>").hasPrefix("530 5.7.0"))
        #expect(login(connection, as: alice("@local.example")).hasPrefix("235 2.7.0"))
        #expect(connection.isReading)
        let attempt = try #require(authenticator.attempts.first)
        #expect(attempt.request == .password(name: "alice", Secret("pencil")) && attempt.listener == "submission" && !attempt.isTLS)
        #expect(connection.say("MAIL FROM:<alice@local.example>").hasPrefix("250"))
        #expect(connection.say("RCPT TO:<x@far.example>").hasPrefix("250"))
        #expect(connection.say("DATA", "Subject: x", "", "hello", ".").contains("Queued as"))
        let message = try #require(world.intake.accepted.first)
        #expect(message.envelope.origin.account == "alice")
        #expect(message.envelope.origin.transmission == "ESMTPA")
        let prefix = String(decoding: message.prefix, as: UTF8.self)
        #expect(prefix.contains("with ESMTPA") && prefix.contains("\r\nDate: ") && prefix.contains("\r\nMessage-ID: <"))
        #expect(message.body == Array("Subject: x\r\n\r\nhello\r\n".utf8))
    }

    @Test("The answer comes late, or never") func late() throws {
        let world = try world()
        let connection = world.opened()
        #expect(connection.say("AUTH PLAIN AGFsaWNlAHBlbmNpbA==", "NOOP") == "")
        authenticator.answer(.unavailable)
        #expect(connection.heard().hasPrefix("454 4.7.0"))
        #expect(connection.say("AUTH PLAIN AGFsaWNlAHBlbmNpbA==") == "250 2.0.0 OK\r\n" || !connection.isReading)
        connection.hangUp()
        #expect(authenticator.abandoned.count == authenticator.attempts.count)
        // Nobody is there any more: harmless.
        authenticator.answer(.accepted(alice()))
    }

    @Test("A failure is answered late, and noted without the password") func failure() throws {
        let world = try world()
        let connection = world.opened()
        _ = connection.say("AUTH PLAIN AGFsaWNlAHBlbmNpbA==")
        authenticator.answer(.refused)
        #expect(connection.heard() == "")
        world.loop.advance(by: .seconds(1))
        #expect(connection.heard().hasPrefix("535 5.7.8"))
        #expect(world.observer.occurrences.contains(.authenticationFailed(name: "alice", mechanism: "PLAIN")))
        #expect(!"\(world.observer.occurrences)".contains("pencil"))
    }

    @Test("An account sends from its own addresses only") func reversePath() throws {
        let world = try world()
        let connection = world.opened()
        _ = login(connection, as: alice("alice@local.example"))
        #expect(connection.say("MAIL FROM:<bob@local.example>").hasPrefix("553 5.7.1"))
        #expect(connection.say("MAIL FROM:<>").hasPrefix("250"))
        #expect(connection.say("RSET", "MAIL FROM:<Alice+x@local.example>").hasSuffix("250 2.1.0 Sender OK\r\n"))
        #expect(world.observer.occurrences.contains { if case .senderMismatch(_, .enforce) = $0 { true } else { false } })
    }

    @Test("And signs with its own name only", arguments: [
        ("From: Alice <alice@local.example>", true), ("From: bob@local.example", false), ("From: alice@local.example, bob@local.example", false),
        ("From: alice@local.example\r\nFrom: alice@local.example", false), ("From: \"alice@local.example\" <bob@local.example>", false),
        ("From: <broken", false), ("Sender: bob@local.example", true),
    ])
    func author(field: String, isAllowed: Bool) throws {
        let world = try world()
        let connection = world.opened()
        _ = login(connection, as: alice("alice@local.example"))
        _ = connection.say("MAIL FROM:<alice@local.example>", "RCPT TO:<x@far.example>", "DATA")
        let said = connection.say(field, "Subject: x", "", "hello", ".")
        #expect(said.contains(isAllowed ? "250 2.0.0 Queued" : "550 5.7.1"), "\(said)")
        #expect(world.intake.accepted.count == (isAllowed ? 1 : 0))
    }

    @Test("The rules can be watched before they are enforced") func log() throws {
        let world = try world { $0.reversePath = .log }
        let connection = world.opened()
        _ = login(connection, as: alice("alice@local.example"))
        #expect(connection.say("MAIL FROM:<bob@local.example>").hasPrefix("250"))
        #expect(world.observer.occurrences.contains { if case .senderMismatch(_, .log) = $0 { true } else { false } })
    }

    @Test("Relay networks need no account; XCLIENT's LOGIN is one") func trusted() throws {
        let world = try world()
        let connection = world.opened(from: FakeWorld.trusted)
        #expect(connection.say("MAIL FROM:<anybody@x.example>").hasPrefix("250"))
        #expect(connection.say("RSET", "XCLIENT ADDR=198.51.100.9 LOGIN=carol").contains("220 "))
        #expect(connection.say("EHLO client.example").hasPrefix("250"))
        #expect(connection.say("MAIL FROM:<anybody@x.example>").hasPrefix("250"))
        #expect(connection.say("RCPT TO:<x@far.example>").hasPrefix("250"))
        #expect(connection.say("RSET", "XCLIENT ADDR=198.51.100.9 LOGIN=[UNAVAILABLE]").contains("220 "))
        #expect(connection.say("EHLO client.example", "MAIL FROM:<anybody@x.example>").contains("530"))
    }
}
