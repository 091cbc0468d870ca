import MessageFormat
import Ports
@testable import SMTP
import Testing

private let ok = Reply(250, .init(2, 0, 0), "OK")
private let envelope = "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\n"
private let body = DialogStep.body(["Subject: t\r\n\r\nhello\r\n"])
private let wireBody = "Subject: t\r\n\r\nhello\r\n.\r\n"

/// Up to the moment after the final dot of one message to b@y.example.
private func sending(_ keyword: String = "ENHANCEDSTATUSCODES") -> [DialogStep] {
    opening(keyword, "PIPELINING") + [
        .begin(.test("b@y.example")), .client(envelope + "DATA\r\n"),
        .server("250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n"), body, .client(wireBody),
    ]
}

private func answers(_ outcome: DialogOutcome) -> [[RecipientAnswer]] { outcome.results.map(\.recipients) }

@Suite struct ClientSessionTests {
    @Test func oneMessagePipelined() {
        let outcome = ClientDialog.run(sending() + [.server("250 2.0.0 OK\r\n"), .quit, .client("QUIT\r\n"), .server("221 bye\r\n")])
        #expect(answers(outcome) == [[.accepted(ok)]])
        #expect(outcome.end == .quit)
    }

    @Test func oneMessageStepByStep() {
        let outcome = ClientDialog.run(opening() + [
            .begin(.test("b@y.example", "c@y.example")), .client("MAIL FROM:<a@x.example>\r\n"), .server("250 ok\r\n"),
            .client("RCPT TO:<b@y.example>\r\n"), .server("250 ok\r\n"), .client("RCPT TO:<c@y.example>\r\n"),
            .server("550 5.1.1 no\r\n"), .client("DATA\r\n"), .server("354 go\r\n"), body, .client(wireBody), .server("250 2.0.0 OK\r\n"),
            // The connection serves again.
            .begin(.test("d@y.example")), .client("MAIL FROM:<a@x.example>\r\n"),
        ])
        #expect(answers(outcome) == [[.accepted(ok), .refused(Reply(550, .init(5, 1, 1), "no"), at: .rcpt)]])
    }

    @Test func mixedRecipients() {
        let outcome = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example", "c@y.example", "d@y.example")),
            .client(envelope + "RCPT TO:<c@y.example>\r\nRCPT TO:<d@y.example>\r\nDATA\r\n"),
            .server("250 ok\r\n250 ok\r\n450 4.2.1 later\r\n550-5.1.1 no\r\n550 5.1.1 never\r\n354 go\r\n"), body, .client(wireBody),
            .server("250 2.0.0 OK\r\n"),
        ])
        #expect(answers(outcome) == [[
            .accepted(ok), .refused(Reply(450, .init(4, 2, 1), "later"), at: .rcpt),
            .refused(Reply(code: 550, enhanced: .init(5, 1, 1), lines: ["no", "never"]), at: .rcpt),
        ]])
        #expect(outcome.end == nil)
    }

    @Test func tooManyRecipients() {
        let full = Reply(452, .init(4, 5, 3), "too many")
        let outcome = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example", "c@y.example", "d@y.example")),
            .client(envelope + "RCPT TO:<c@y.example>\r\nRCPT TO:<d@y.example>\r\nDATA\r\n"),
            .server("250 ok\r\n250 ok\r\n452 4.5.3 too many\r\n452 4.2.2 mailbox full\r\n354 go\r\n"), body, .client(wireBody),
            .server("250 2.0.0 OK\r\n"),
        ])
        #expect(answers(outcome) == [[
            .accepted(ok), .tooManyRecipients(full), .refused(Reply(452, .init(4, 2, 2), "mailbox full"), at: .rcpt),
        ]])
    }

    @Test("552 without enhanced code counts as 452 (RFC 5321 §4.5.3.1.10), the first refusal does not")
    func tooManyRecipientsOfOldServers() {
        let outcome = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example", "c@y.example", "d@y.example")),
            .client(envelope + "RCPT TO:<c@y.example>\r\nRCPT TO:<d@y.example>\r\nDATA\r\n"),
            .server("250 ok\r\n452 full\r\n250 ok\r\n552 full\r\n354 go\r\n"), body, .client(wireBody), .server("250 2.0.0 OK\r\n"),
        ])
        #expect(answers(outcome) == [[
            .refused(Reply(452, nil, "full"), at: .rcpt), .accepted(ok), .tooManyRecipients(Reply(552, nil, "full")),
        ]])
    }

    @Test func limitsOfTheServer() {
        let outcome = ClientDialog.run(opening("PIPELINING", "LIMITS RCPTMAX=1 MAILMAX=2") + [
            .begin(.test("b@y.example", "c@y.example")), .client(envelope + "DATA\r\n"),
            .server("250 ok\r\n250 ok\r\n354 go\r\n"), body, .client(wireBody), .server("250 2.0.0 OK\r\n"),
        ])
        #expect(answers(outcome) == [[.accepted(ok), .tooManyRecipients(nil)]])
        let domains = ClientDialog.run(opening("PIPELINING", "LIMITS RCPTDOMAINMAX=1") + [
            .begin(.test("b@y.example", "c@z.example", "d@y.example")), .client(envelope + "RCPT TO:<d@y.example>\r\nDATA\r\n"),
        ])
        #expect(domains.results.isEmpty)
    }

    @Test func transactionsPerSession() {
        var dialog = ClientDialog(.smtp, ClientSettings(), .whole)
        for step in ["220 x\r\n", "250-x\r\n250 LIMITS MAILMAX=1\r\n"] {
            Array(step.utf8).withUnsafeBytes { dialog.session.receive($0) }
            _ = dialog.session.next(at: dialog.now)
        }
        let canBegin = dialog.session.canBegin
        #expect(canBegin)
        dialog.session.begin(.test("b@y.example"), at: dialog.now)
        Array("550 no\r\n".utf8).withUnsafeBytes { dialog.session.receive($0) }
        _ = dialog.session.next(at: dialog.now)
        let canBeginAgain = dialog.session.canBegin
        #expect(!canBeginAgain)
    }

    @Test func recipientsPerTransactionAreLimited() {
        var settings = ClientSettings()
        settings.maxRecipients = 2
        let outcome = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example", "c@y.example", "d@y.example")),
            .client(envelope + "RCPT TO:<c@y.example>\r\nDATA\r\n"), .server("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"), body,
            .client(wireBody), .server("250 2.0.0 OK\r\n"),
        ], settings: settings)
        #expect(answers(outcome) == [[.accepted(ok), .accepted(ok), .tooManyRecipients(nil)]])
    }

    @Test("All recipients refused and 354 given: a lone dot") func loneDot() {
        let no = Reply(550, .init(5, 1, 1), "no")
        for final in ["554 5.5.1 no valid recipients", "250 2.0.0 queued"] {
            let outcome = ClientDialog.run(sendingRefused + [
                .server("354 go\r\n"), .client(".\r\n"), .server("\(final)\r\n"),
                .begin(.test("d@y.example")), .client("MAIL FROM:<a@x.example>\r\nRCPT TO:<d@y.example>\r\nDATA\r\n"),
            ])
            #expect(answers(outcome) == [[.refused(no, at: .rcpt)]])
            #expect(outcome.end == nil)
        }
        let lost = ClientDialog.run(sendingRefused + [.server("354 go\r\n"), .client(".\r\n"), .closed(nil)])
        #expect(answers(lost) == [[.refused(no, at: .rcpt)]])
    }

    private let sendingRefused = opening("PIPELINING") + [
        .begin(.test("b@y.example")), .client(envelope + "DATA\r\n"), .server("250 ok\r\n550 5.1.1 no\r\n"),
    ]

    @Test("All recipients refused and DATA refused: RSET before the next MAIL") func resetAfterRefusal() {
        let outcome = ClientDialog.run(sendingRefused + [
            .server("503 5.5.1 no recipients\r\n"),
            .begin(.test("d@y.example")), .client("RSET\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<d@y.example>\r\nDATA\r\n"),
            .server("250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n"), body, .client(wireBody), .server("250 2.0.0 OK\r\n"),
        ])
        #expect(answers(outcome) == [[.refused(Reply(550, .init(5, 1, 1), "no"), at: .rcpt)], [.accepted(ok)]])
        let single = ClientDialog.run(opening() + [
            .begin(.test("b@y.example")), .client("MAIL FROM:<a@x.example>\r\n"), .server("250 ok\r\n"),
            .client("RCPT TO:<b@y.example>\r\n"), .server("550 5.1.1 no\r\n"),
            .begin(.test("d@y.example")), .client("RSET\r\n"), .server("250 ok\r\n"), .client("MAIL FROM:<a@x.example>\r\n"),
        ])
        #expect(answers(single) == [[.refused(Reply(550, .init(5, 1, 1), "no"), at: .rcpt)]])
        let refused = ClientDialog.run(sendingRefused + [
            .server("503 5.5.1 no recipients\r\n"),
            .begin(.test("d@y.example")), .client("RSET\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<d@y.example>\r\nDATA\r\n"),
            .server("500 what\r\n"),
        ])
        let failure = ClientFailure.unexpectedReply(Reply(500, nil, "what"))
        #expect(answers(refused).last == [.broken(failure, at: .reset)])
        #expect(refused.end == .failed(failure, at: .reset))
    }

    @Test func mailRefused() {
        let no = Reply(451, .init(4, 7, 1), "greylisted")
        let outcome = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example", "c@y.example")), .client(envelope + "RCPT TO:<c@y.example>\r\nDATA\r\n"),
            .server("451 4.7.1 greylisted\r\n503 no\r\n503 no\r\n503 no\r\n"),
            // Nothing is open, so no RSET.
            .begin(.test("d@y.example")), .client("MAIL FROM:<a@x.example>\r\nRCPT TO:<d@y.example>\r\nDATA\r\n"),
        ])
        #expect(answers(outcome) == [[.refused(no, at: .mail), .refused(no, at: .mail)]])
        let single = ClientDialog.run(opening() + [
            .begin(.test("b@y.example")), .client("MAIL FROM:<a@x.example>\r\n"), .server("451 4.7.1 greylisted\r\n"),
            .begin(.test("b@y.example")), .client("MAIL FROM:<a@x.example>\r\n"),
        ])
        #expect(answers(single) == [[.refused(no, at: .mail)]])
        let mad = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example")), .client(envelope + "DATA\r\n"), .server("451 4.7.1 greylisted\r\n250 yes\r\n"),
        ])
        #expect(answers(mad) == [[.refused(no, at: .mail)]])
        #expect(mad.end == .failed(.unexpectedReply(Reply(250, nil, "yes")), at: .rcpt))
    }

    @Test func dataRefused() {
        let outcome = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example")), .client(envelope + "DATA\r\n"), .server("250 ok\r\n250 ok\r\n451 4.3.0 no\r\n"),
            .begin(.test("b@y.example")), .client("RSET\r\n" + envelope + "DATA\r\n"),
        ])
        #expect(answers(outcome) == [[.refused(Reply(451, .init(4, 3, 0), "no"), at: .data)]])
        let odd = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example")), .client(envelope + "DATA\r\n"), .server("250 ok\r\n250 ok\r\n250 ok\r\n"),
        ])
        #expect(answers(odd) == [[.broken(.unexpectedReply(Reply(250, nil, "ok")), at: .data)]])
    }

    @Test func finalDotRefused() {
        let outcome = ClientDialog.run(sending() + [
            .server("554 5.7.1 spam\r\n"), .begin(.test("b@y.example")), .client(envelope + "DATA\r\n"),
        ])
        #expect(answers(outcome) == [[.refused(Reply(554, .init(5, 7, 1), "spam"), at: .endOfData)]])
    }

    @Test func partsOfTheBody() {
        let outcome = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example")), .client(envelope + "DATA\r\n"), .server("250 ok\r\n250 ok\r\n354 go\r\n"),
            .body(["a\r", "\n", ".", "b\r\n..\r\n", "last"]), .client("a\r\n..b\r\n...\r\nlast\r\n.\r\n"), .server("250 2.0.0 OK\r\n"),
        ])
        #expect(answers(outcome) == [[.accepted(ok)]])
    }

    @Test("A reply before the body ends: stop, and drop the connection") func earlyReply() {
        let start = opening("PIPELINING") + [
            .begin(.test("b@y.example")), .client(envelope + "DATA\r\n"), .server("250 ok\r\n250 ok\r\n354 go\r\n"),
        ]
        let no = Reply(552, .init(5, 3, 4), "too big")
        let outcome = ClientDialog.run(start + [.server("552 5.3.4 too big\r\n"), body])
        #expect(answers(outcome) == [[.refused(no, at: .body)]])
        #expect(outcome.end == .failed(.unexpectedReply(no), at: .body))
        // A premature success is no success.
        let success = ClientDialog.run(start + [.server("250 ok\r\n"), body])
        #expect(answers(success) == [[.broken(.unexpectedReply(Reply(250, nil, "ok")), at: .body)]])
        // The reply may come in one segment with the 354.
        let together = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example")), .client(envelope + "DATA\r\n"),
            .server("250 ok\r\n250 ok\r\n354 go\r\n552 5.3.4 too big\r\n"),
        ])
        #expect(answers(together) == [[.refused(no, at: .body)]])
    }

    @Test func contentUnavailable() {
        let outcome = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example")), .client(envelope + "DATA\r\n"), .server("250 ok\r\n250 ok\r\n354 go\r\n"), .abandon,
        ])
        #expect(answers(outcome) == [[.broken(.contentUnavailable, at: .body)]])
        #expect(outcome.end == .failed(.contentUnavailable, at: .body))
    }

    @Test("The next transaction rides with the final dot (RFC 2920 §3.1)") func ridingTransaction() {
        let next = "MAIL FROM:<a@x.example>\r\nRCPT TO:<d@y.example>\r\nDATA\r\n"
        let start = opening("PIPELINING") + [
            .begin(.test("b@y.example")), .client(envelope + "DATA\r\n"), .server("250 ok\r\n250 ok\r\n354 go\r\n"),
            .begin(.test("d@y.example")),
        ]
        let outcome = ClientDialog.run(start + [
            body, .client(wireBody + next), .server("250 2.0.0 OK\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
            .body(["second\r\n"]), .client("second\r\n.\r\n"), .server("250 2.0.0 OK\r\n"),
        ])
        #expect(answers(outcome) == [[.accepted(ok)], [.accepted(ok)]])
        // Begun behind the dot, it goes out at once.
        let behind = ClientDialog.run(sending() + [
            .begin(.test("d@y.example")), .client(next), .server("451 4.0.0 no\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
            .body(["second\r\n"]), .client("second\r\n.\r\n"), .server("250 2.0.0 OK\r\n"),
        ])
        #expect(answers(behind) == [[.refused(Reply(451, .init(4, 0, 0), "no"), at: .endOfData)], [.accepted(ok)]])
        let early = ClientDialog.run(start + [.server("552 no\r\n")])
        #expect(answers(early) == [[.refused(Reply(552, nil, "no"), at: .body)], [.notTried]])
        let lost = ClientDialog.run(sending() + [.begin(.test("d@y.example")), .client(next), .closed(.reset)])
        #expect(answers(lost) == [[.unknown(.connectionLost(.reset))], [.notTried]])
        let closing = ClientDialog.run(sending() + [.begin(.test("d@y.example")), .client(next), .server("250 2.0.0 OK\r\n421 bye\r\n")])
        #expect(answers(closing) == [[.accepted(ok)], [.refused(Reply(421, nil, "bye"), at: .mail)]])
    }

    @Test("A riding transaction that the server cannot take") func unsuitableRidingTransaction() {
        let outcome = ClientDialog.run(sending("SIZE 100") + [
            .begin(.test("d@y.example", size: 1000)), .server("250 2.0.0 OK\r\n"),
        ])
        #expect(answers(outcome) == [[.accepted(ok)], [.unsuitable(.overSizeOfNextHop)]])
        #expect(outcome.end == nil)
    }
}
