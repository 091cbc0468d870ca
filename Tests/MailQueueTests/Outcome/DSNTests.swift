import BatonTesting
import Events
@testable import MailQueue
import MessageFormat
import Ports
import SMTP
import Storage
import Testing

@Suite struct DSNTests {
    /// What became of a recipient, by name.
    enum Fate: String, CaseIterable, Sendable {
        case delivered, relayed, passedOn, failed

        var outcome: DeliveryOutcome {
            switch self {
            case .delivered: .delivered(Reply(250, .init(2, 1, 5), "ok"))
            case .relayed: .relayed(Reply(250, nil, "ok"), reportedBy: .thisHost)
            case .passedOn: .relayed(Reply(250, nil, "ok"), reportedBy: .nextHop)
            case .failed: .failed(Mail.noSuchUser)
            }
        }

        var action: ReportAction? {
            switch self {
            case .delivered: .delivered
            case .relayed: .relayed
            case .passedOn: nil
            case .failed: .failed
            }
        }
    }

    /// NOTIFY of RCPT; nil is no parameter.
    static let conditions: [NotifyConditions?] = [
        nil, .never, .success, .failure, .delay, [.success, .failure], [.success, .delay], [.failure, .delay],
        [.success, .failure, .delay],
    ]

    static func wants(_ notify: NotifyConditions?, _ fate: Fate) -> Bool {
        switch fate {
        case .failed: notify?.contains(.failure) ?? true
        case .delivered, .relayed: notify?.contains(.success) ?? false
        case .passedOn: false
        }
    }

    // RFC 3461 §4.1, §5.2
    @Test(arguments: Fate.allCases)
    func notifyDecidesWhatIsReported(_ fate: Fate) throws {
        for notify in Self.conditions {
            let world = QueueWorld()
            _ = try #require(world.accept(Mail.envelope(to: "bob@b.example", notify: notify)))
            world.script = { attempt in
                .all(attempt, attempt.envelope.reversePath == .null ? .delivered(nil) : fate.outcome, feedback: .answered)
            }
            world.deliver()
            let actions = world.observer.events.compactMap { event -> ReportAction? in
                if case .reported(let report) = event.detail { report.action } else { nil }
            }
            #expect(actions == (Self.wants(notify, fate) ? [fate.action].compactMap(\.self) : []), "\(notify?.wire ?? "none")")
        }
    }

    @Test func aNullReversePathGetsNoReport() throws {
        for fate in Fate.allCases {
            let world = QueueWorld()
            _ = try #require(world.accept(Mail.envelope(from: "", to: "bob@b.example", notify: [.success, .failure])))
            world.script = { .all($0, fate.outcome, feedback: .answered) }
            world.deliver()
            #expect(world.delivery.attempts.count == 1)
        }
    }

    @Test(arguments: conditions)
    func notifyDecidesAboutDelays(_ notify: NotifyConditions?) throws {
        let world = QueueWorld()
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example", notify: notify)))
        world.script = { attempt in
            .all(attempt, attempt.envelope.reversePath == .null ? .delivered(nil) : .deferred(Mail.greylisted), feedback: .answered)
        }
        world.deliver()
        world.run(.hours(6))
        let bounces = world.delivery.attempts.filter { $0.envelope.reversePath == .null }
        #expect(bounces.count == (notify?.contains(.delay) ?? true ? 1 : 0))
        guard let bounce = bounces.first else { return }
        let text = String(decoding: bounce.content.bodyInMemory ?? [], as: UTF8.self)
        #expect(text.contains("Action: delayed\r\nStatus: 4.7.1\r\nRemote-MTA: dns; mx.b.example\r\nDiagnostic-Code: smtp; 450 4.7.1 Greylisted"))
        #expect(text.contains("text/rfc822-headers"))
        #expect(text.contains("Will-Retry-Until: "))
        #expect(text.contains("YOU NEED NOT SEND YOUR MESSAGE AGAIN"))
        #expect(!text.contains("Hello."))
    }

    @Test func manyDelaysAreToldOnceEach() throws {
        for bodyMemory in [0, 64 << 20] {
            let world = QueueWorld { $0.bodyMemory = bodyMemory }
            for number in 0..<300 { world.submit(Mail.envelope(to: "r\(number)@b.example")) }
            _ = world.simulator.run { world.answers.count == 300 }
            world.script = { attempt in
                .all(attempt, attempt.envelope.reversePath == .null ? .delivered(nil) : .deferred(Mail.greylisted), feedback: .answered)
            }
            world.deliver()
            world.run(.hours(7))
            let told = world.observer.events.filter { if case .reported = $0.detail { true } else { false } }
            #expect(told.count == 300)
            #expect(Set(told.map(\.message)).count == 300)
        }
    }

    // RFC 3461 §5.2.7
    @Test func aListReportsItsExpansion() throws {
        let world = QueueWorld()
        let id = try #require(world.accept(Mail.envelope(to: "all@b.example", notify: .success), aliases: CleanupTests.Aliases(
            table: ["all@b.example": ["x@b.example", "y@b.example"]])))
        world.crash()
        world.deliver()
        let report = try #require(world.delivery.attempts.first { $0.envelope.origin.reportOn == id })
        let text = String(decoding: report.content.bodyInMemory ?? [], as: UTF8.self)
        #expect(text.contains("Final-Recipient: rfc822; all@b.example\r\nAction: expanded\r\nStatus: 2.1.5"))
        #expect(world.delivery.attempts.count == 2)
    }

    private func bounce(_ change: (inout Envelope) -> Void, body: String = "Subject: hello\r\n\r\nHello.\r\n",
                        _ configure: (inout QueueSettings) -> Void = { _ in }) throws -> String {
        let world = QueueWorld(seed: 1, configure)
        var envelope = Mail.envelope(to: "bob@b.example")
        change(&envelope)
        _ = try #require(world.accept(envelope, body: body))
        world.script = { .all($0, $0.envelope.reversePath == .null ? .delivered(nil) : .failed(Mail.noSuchUser), feedback: .answered) }
        world.deliver()
        return String(decoding: try #require(world.delivery.attempts.last).content.bodyInMemory ?? [], as: UTF8.self)
    }

    // RFC 3461 §4.3
    @Test func retDecidesWhatComesBack() throws {
        #expect(try bounce { $0.returnContent = .full }.contains("Hello."))
        #expect(try bounce { $0.returnContent = nil }.contains("Hello."))
        let headers = try bounce { $0.returnContent = .headers }
        #expect(!headers.contains("Hello.") && headers.contains("Subject: hello") && headers.contains("text/rfc822-headers"))
        let long = try bounce({ _ in }, body: "Subject: hello\r\n\r\n" + String(repeating: "Hello.\r\n", count: 10_000))
        #expect(!long.contains("Hello.") && long.contains("text/rfc822-headers"))
        let large = try bounce({ _ in }, body: "Subject: hello\r\n\r\n" + String(repeating: "Hello.\r\n", count: 20_000)) { $0.bodyMemory = 0 }
        #expect(!large.contains("Hello.") && large.contains("Subject: hello"))
    }

    // RFC 3461 §4.3: where nothing failed, the header alone comes back, whatever RET says.
    @Test func successReturnsTheHeader() throws {
        let world = QueueWorld()
        var envelope = Mail.envelope(to: "bob@b.example", notify: .success)
        envelope.returnContent = .full
        _ = try #require(world.accept(envelope, body: "Subject: hello\r\n\r\nHello.\r\n"))
        world.script = { attempt in
            var report = AttemptReport.all(attempt, .delivered(nil), feedback: .delivered)
            report.host = RemoteHost(name: "/var/mail/{user}")
            return report
        }
        world.deliver()
        let report = String(decoding: try #require(world.delivery.attempts.last).content.bodyInMemory ?? [], as: UTF8.self)
        #expect(report.contains("Action: delivered") && report.contains("text/rfc822-headers") && report.contains("Subject: hello"))
        #expect(!report.contains("Hello."))
        #expect(!report.contains("/var/mail"), "the sender learns where mailboxes lie")
    }

    // RFC 3464 §2.2.1, §2.3.1
    @Test func envidAndOrcptComeBack() throws {
        let text = try bounce { envelope in
            envelope.envelopeID = "my id+1"
            envelope.recipients[0].originalRecipient = OriginalRecipient(addressType: "rfc822", address: "Bob@old.example")
        }
        #expect(text.contains("Original-Envelope-Id: my id+1\r\n"))
        #expect(text.contains("Original-Recipient: rfc822; Bob@old.example\r\nFinal-Recipient: rfc822; bob@b.example\r\n"))
        #expect(text.contains("Reporting-MTA: dns; mx.test.example\r\n"))
        #expect(text.contains("Arrival-Date: "))
        #expect(text.contains("<bob@b.example> (sent to <Bob@old.example>):"))
    }

    // RFC 6533
    @Test func unicodeAddressesAreReportedInUTF8() throws {
        let text = try bounce { envelope in
            envelope.smtpUTF8 = true
            envelope.recipients = [Recipient(address: Mail.address("jörg@b.example"))]
        }
        #expect(text.contains("message/global-delivery-status") && text.contains("Final-Recipient: utf-8; jörg@b.example"))
    }

    // HOSTILE 18
    @Test func aHostileReplyStaysInItsPlace() throws {
        let world = QueueWorld()
        _ = try #require(world.accept(Mail.envelope(to: "bob@b.example")))
        let evil = Diagnosis(status: .init(5, 0, 0), reply: Reply(code: 550, enhanced: nil, lines: [
            "no\r\nBcc: victim@v.example", "--=_x", "\u{1b}[2J\u{0}", String(repeating: "x", count: 100_000),
        ] + Array(repeating: "y", count: 10_000)))
        world.script = { .all($0, $0.envelope.reversePath == .null ? .delivered(nil) : .failed(evil), feedback: .answered) }
        world.deliver()
        let bytes = try #require(world.delivery.attempts.last?.content.bodyInMemory)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(bytes.count < 20_000)
        #expect(!text.contains("\r\nBcc:") && !text.contains("\u{1b}") && !text.contains("\u{0}"))
    }

    @Test func templatesAreEditable() throws {
        let template = try DSNTemplate(parsing: "Subject: No luck with {{recipient}}\n\nDear {{ sender }},\n{{recipients}}\n{{{count}}}\n")
        let text = try bounce({ _ in }) { $0.templates.failed = template }
        #expect(text.contains("Subject: No luck with bob@b.example\r\n"))
        #expect(text.contains("Dear alice@a.example,\r\n<bob@b.example>:"))
        #expect(text.contains("{the recipient below}"))
        #expect(throws: DSNTemplateError.unknownName("nobody")) { try DSNTemplate(parsing: "Subject: x\n\n{{nobody}}") }
        #expect(throws: DSNTemplateError.missingSubject) { try DSNTemplate(parsing: "Hello") }
        #expect(throws: DSNTemplateError.missingEmptyLine) { try DSNTemplate(parsing: "Subject: x\ntext") }
    }

    @Test func aTemplateDoesNotReadValuesAsTemplates() {
        #expect(DSNTemplate.substitute("{{a}}{{b}}{{", { $0 == "a" ? "{{b}}" : $0 == "b" ? "B" : nil }) == "{{b}}B{{")
        #expect(DSNTemplate.substitute("{x} }} {{no}} {{a", { $0 == "a" ? "A" : nil }) == "{x} }} {{no}} {{a")
    }

    @Test(arguments: [
        ("550 5.1.1 User unknown", BounceClass.unknownMailbox), ("552 5.2.2 Mailbox full", .mailboxFull),
        ("550 mailbox is full", .mailboxFull), ("554 5.7.1 Service unavailable; blocked using zen.spamhaus.org", .reputation),
        ("550 5.7.26 This mail is unauthenticated", .authentication), ("451 4.7.1 Greylisting in action", .rateLimited),
        ("421 4.7.0 Try again later", .rateLimited), ("552 5.3.4 too big", .messageTooLarge), ("550 no", .unknownMailbox),
        ("554 relay access denied", .policy), ("556 5.1.10 null MX", .unknownDomain), ("554 5.4.6 too many hops", .loop),
        ("530 5.7.10 encryption needed", .tls), ("451 internal error", .unclassified),
    ])
    func repliesAreClassified(_ line: String, _ expected: BounceClass) throws {
        let code = try #require(Int(line.prefix(3)))
        let rest = Array(line.utf8.dropFirst(4))
        let status = EnhancedStatusCode.prefix(of: rest)
        let reply = Reply(code, status?.code, String(decoding: rest[(status?.end ?? 0)...], as: UTF8.self))
        let diagnosis = Diagnosis(status: status?.code ?? .init(UInt8(code / 100), 0, 0), reply: reply)
        #expect(BounceClassifier.classified(diagnosis).bounceClass == expected)
    }
}
