import MessageFormat
import Ports
@testable import SMTP
import Testing

private let ok = Reply(250, .init(2, 0, 0), "OK")
private let all = ["PIPELINING", "SIZE 1000", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8", "DSN"]

private func opened(_ keywords: [String], dialect: Dialect = .smtp) -> [DialogStep] {
    let reply = "250-mx.example\r\n" + keywords.map { "250-\($0)\r\n" }.joined() + "250 HELP\r\n"
    return [.server("220 x\r\n"), .client(dialect == .lmtp ? "LHLO me.example\r\n" : "EHLO me.example\r\n"), .server(reply)]
}

private func answers(_ outcome: DialogOutcome) -> [[RecipientAnswer]] { outcome.results.map(\.recipients) }

@Suite struct ClientExtensionTests {
    @Test func parametersAsOffered() {
        let transaction = ClientTransaction.test("b@y.example", size: 999).with {
            $0.body = .eightBitMIME
            $0.smtpUTF8 = true
            $0.returnContent = .headers
            $0.envelopeID = "QQ+3=14 ü"
            $0.recipients[0].parameters.notify = [.success, .delay]
            $0.recipients[0].parameters.originalRecipient = OriginalRecipient(addressType: "rfc822", address: "b+x@y.example")
        }
        let outcome = ClientDialog.run(opened(all) + [
            .begin(transaction),
            .client("MAIL FROM:<a@x.example> SIZE=999 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B3+3D14+20+C3+BC\r\n"
                + "RCPT TO:<b@y.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bx@y.example\r\nDATA\r\n"),
            .server("250 ok\r\n250 ok\r\n354 go\r\n"), .body(["x\r\n"]), .client("x\r\n.\r\n"), .server("250 2.0.0 OK\r\n"),
        ])
        #expect(outcome.results == [TransactionResult(recipients: [.accepted(ok)], offeredDSN: true)])
        let plain = ClientDialog.run(opened(["PIPELINING"]) + [
            .begin(transaction), .client("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"),
            .server("250 ok\r\n250 ok\r\n354 go\r\n"), .body(["x\r\n"]), .client("x\r\n.\r\n"), .server("250 2.0.0 OK\r\n"),
        ])
        #expect(plain.results == [TransactionResult(recipients: [.accepted(ok)], offeredDSN: false)])
    }

    @Test func internationalOriginalRecipient() {
        let original = OriginalRecipient(addressType: "utf-8", address: "jös+e\\é@y.example")
        var bytes: [UInt8] = []
        original.append(to: &bytes, allowingUTF8: true)
        #expect(String(decoding: bytes, as: UTF8.self) == "utf-8;jös\\x{2B}e\\x{5C}é@y.example")
        bytes = []
        original.append(to: &bytes, allowingUTF8: false)
        #expect(String(decoding: bytes, as: UTF8.self) == "utf-8;j\\x{F6}s\\x{2B}e\\x{5C}\\x{E9}@y.example")
    }

    @Test func nullReversePathAndPostmaster() {
        let transaction = ClientTransaction(reversePath: .null, recipients: [ClientRecipient(.postmaster)])
        _ = ClientDialog.run(opened(["PIPELINING"]) + [
            .begin(transaction), .client("MAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nDATA\r\n"),
        ])
    }

    @Test func overSize() {
        let outcome = ClientDialog.run(opened(all) + [
            .begin(.test("b@y.example", "c@y.example", size: 1001)), .begin(.test("b@y.example", size: 1000)),
            .client("MAIL FROM:<a@x.example> SIZE=1000\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"),
        ])
        #expect(answers(outcome) == [[.unsuitable(.overSizeOfNextHop), .unsuitable(.overSizeOfNextHop)]])
    }

    @Test func binaryWithoutBINARYMIME() {
        for keywords in [["PIPELINING", "8BITMIME"], ["BINARYMIME"], ["CHUNKING"]] {
            let outcome = ClientDialog.run(opened(keywords) + [.begin(.test("b@y.example").with { $0.body = .binaryMIME })])
            #expect(answers(outcome) == [[.unsuitable(.nextHopWithoutBINARYMIME)]])
        }
    }

    // RFC 8689 §4.2.1
    @Test func requireTLSNeedsAnOfferUnderTLS() {
        var settings = ClientSettings()
        settings.startTLS = .required
        let transaction = ClientTransaction.test("b@y.example").with { $0.requireTLS = true }
        let start = opened(["STARTTLS", "REQUIRETLS"]) + [.client("STARTTLS\r\n"), .server("220 go\r\n"), .tls, .client("EHLO me.example\r\n")]
        let offered = ClientDialog.run(start + [
            .server("250-mx.example\r\n250-REQUIRETLS\r\n250 PIPELINING\r\n"), .begin(transaction),
            .client("MAIL FROM:<a@x.example> REQUIRETLS\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"),
        ], settings: settings)
        #expect(offered.results.isEmpty)
        let refused = [[RecipientAnswer.unsuitable(.nextHopWithoutREQUIRETLS)]]
        let withoutOffer = ClientDialog.run(start + [.server("250 mx.example\r\n"), .begin(transaction)], settings: settings)
        #expect(answers(withoutOffer) == refused)
        // What is offered in the clear does not count.
        #expect(answers(ClientDialog.run(opened(["REQUIRETLS"]) + [.begin(transaction)])) == refused)
    }

    @Test func eightBitWithout8BITMIME() {
        let transaction = ClientTransaction.test("b@y.example").with { $0.body = .eightBitMIME }
        let sent = ClientDialog.run(opened(["PIPELINING"]) + [
            .begin(transaction), .client("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"),
        ])
        #expect(sent.results.isEmpty)
        var settings = ClientSettings()
        settings.eightBitHandling = .bounce
        let bounced = ClientDialog.run(opened(["PIPELINING"]) + [.begin(transaction)], settings: settings)
        #expect(answers(bounced) == [[.unsuitable(.nextHopWithout8BITMIME)]])
    }

    @Test func withoutSMTPUTF8() {
        let refused = RecipientAnswer.unsuitable(.nextHopWithoutSMTPUTF8)
        func run(_ transaction: ClientTransaction, _ rest: [DialogStep] = []) -> [[RecipientAnswer]] {
            answers(ClientDialog.run(opened(["PIPELINING"]) + [.begin(transaction)] + rest))
        }
        let plain = DialogStep.client("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n")
        #expect(run(.test("b@y.example").with { $0.smtpUTF8 = true }, [plain]).isEmpty)
        #expect(run(.test("b@y.example").with { $0.hasEightBitHeader = true }, [plain]).isEmpty)
        #expect(run(.test("b@y.example").with { $0.smtpUTF8 = true; $0.hasEightBitHeader = true }) == [[refused]])
        #expect(run(.test("b@y.example", from: "ä@x.example").with { $0.smtpUTF8 = true }) == [[refused]])
        #expect(run(.test("ü@y.example").with { $0.smtpUTF8 = true }) == [[refused]])
        // Only the recipient that needs it fails.
        let mixed = run(.test("ü@y.example", "b@y.example").with { $0.smtpUTF8 = true }, [
            plain, .server("250 ok\r\n250 ok\r\n354 go\r\n"), .body(["x\r\n"]), .client("x\r\n.\r\n"), .server("250 2.0.0 OK\r\n"),
        ])
        #expect(mixed == [[refused, .accepted(ok)]])
        let offered = ClientDialog.run(opened(all) + [
            .begin(.test("ü@y.example").with { $0.smtpUTF8 = true }),
            .client("MAIL FROM:<a@x.example> SMTPUTF8\r\nRCPT TO:<ü@y.example>\r\nDATA\r\n"),
        ])
        #expect(offered.results.isEmpty)
    }
}

@Suite("CHUNKING, RFC 3030") struct ClientChunkingTests {
    private let binary = ClientTransaction.test("b@y.example").with { $0.body = .binaryMIME }
    private let commands = "MAIL FROM:<a@x.example> BODY=BINARYMIME\r\nRCPT TO:<b@y.example>\r\n"

    @Test func pipelined() {
        let outcome = ClientDialog.run(opened(all) + [
            .begin(binary), .client(commands), .server("250 ok\r\n250 ok\r\n"), .body(["a\n.\n", "", "\u{0}b"]),
            .client("BDAT 4\r\na\n.\nBDAT 2 LAST\r\n\u{0}b"), .server("250 ok\r\n250 2.0.0 OK\r\n"),
            .begin(.test("b@y.example")), .client("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"),
        ])
        #expect(answers(outcome) == [[.accepted(ok)]])
    }

    @Test func stepByStep() {
        let outcome = ClientDialog.run(opened(["BINARYMIME", "CHUNKING"]) + [
            .begin(binary), .client("MAIL FROM:<a@x.example> BODY=BINARYMIME\r\n"), .server("250 ok\r\n"),
            .client("RCPT TO:<b@y.example>\r\n"), .server("250 ok\r\n"), .body(["abc", ""]), .client("BDAT 3\r\nabc"),
            .server("250 ok\r\n"), .client("BDAT 0 LAST\r\n"), .server("250 2.0.0 OK\r\n"),
        ])
        #expect(answers(outcome) == [[.accepted(ok)]])
    }

    @Test func noRecipient() {
        let outcome = ClientDialog.run(opened(all) + [
            .begin(binary), .client(commands), .server("250 ok\r\n550 no\r\n"), .begin(binary), .client("RSET\r\n" + commands),
        ])
        #expect(answers(outcome) == [[.refused(Reply(550, nil, "no"), at: .rcpt)]])
    }

    @Test func chunkRefused() {
        let no = Reply(552, .init(5, 3, 4), "too big")
        let waiting = ClientDialog.run(opened(["BINARYMIME", "CHUNKING"]) + [
            .begin(binary), .client("MAIL FROM:<a@x.example> BODY=BINARYMIME\r\n"), .server("250 ok\r\n"),
            .client("RCPT TO:<b@y.example>\r\n"), .server("250 ok\r\n"), .body(["abc", "d"]), .client("BDAT 3\r\nabc"),
            .server("552 5.3.4 too big\r\n"), .begin(.test("b@y.example")), .client("RSET\r\n"),
        ])
        #expect(answers(waiting) == [[.refused(no, at: .body)]])
        let pipelined = ClientDialog.run(opened(all) + [
            .begin(binary), .client(commands), .server("250 ok\r\n250 ok\r\n"), .body(["abc", "d"]),
            .client("BDAT 3\r\nabcBDAT 1 LAST\r\nd"), .server("552 5.3.4 too big\r\n503 what\r\n"),
            .begin(.test("b@y.example")), .client("RSET\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"),
        ])
        #expect(answers(pipelined) == [[.refused(no, at: .body)]])
        let lost = ClientDialog.run(opened(all) + [
            .begin(binary), .client(commands), .server("250 ok\r\n250 ok\r\n"), .body(["abc", "d"]),
            .client("BDAT 3\r\nabcBDAT 1 LAST\r\nd"), .server("250 ok\r\n"), .closed(nil),
        ])
        #expect(answers(lost) == [[.unknown(.connectionLost(nil))]])
    }
}

@Suite("LMTP, RFC 2033") struct ClientLMTPTests {
    private let start = opened(["PIPELINING"], dialect: .lmtp) + [
        .begin(.test("b@y.example", "c@y.example", "d@y.example")),
        .client("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>\r\nRCPT TO:<d@y.example>\r\nDATA\r\n"),
    ]
    private let no = Reply(550, .init(5, 1, 1), "no")

    @Test func aReplyForEachRecipient() {
        let outcome = ClientDialog.run(start + [
            .server("250 ok\r\n250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n"), .body(["x\r\n"]), .client("x\r\n.\r\n"),
            .server("250 2.0.0 OK\r\n452 4.2.2 full\r\n"),
            .begin(.test("b@y.example")), .client("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"),
        ], dialect: .lmtp)
        #expect(answers(outcome) == [[
            .accepted(ok), .refused(no, at: .rcpt), .refused(Reply(452, .init(4, 2, 2), "full"), at: .endOfData),
        ]])
    }

    @Test func closedBetweenTheReplies() {
        let sent = start + [.server("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"), .body(["x\r\n"]), .client("x\r\n.\r\n")]
        let lost = ClientDialog.run(sent + [.server("250 2.0.0 OK\r\n"), .closed(nil)], dialect: .lmtp)
        #expect(answers(lost) == [[.accepted(ok), .unknown(.connectionLost(nil)), .unknown(.connectionLost(nil))]])
        let closing = ClientDialog.run(sent + [.server("250 2.0.0 OK\r\n421 4.3.0 bye\r\n")], dialect: .lmtp)
        let bye = RecipientAnswer.refused(Reply(421, .init(4, 3, 0), "bye"), at: .endOfData)
        #expect(answers(closing) == [[.accepted(ok), bye, bye]])
    }

    @Test func goAheadForNobody() {
        let outcome = ClientDialog.run(start + [.server("250 ok\r\n550 5.1.1 no\r\n550 5.1.1 no\r\n550 5.1.1 no\r\n354 go\r\n")], dialect: .lmtp)
        #expect(answers(outcome) == [Array(repeating: .refused(no, at: .rcpt), count: 3)])
        #expect(outcome.end == .failed(.unexpectedReply(Reply(354, nil, "go")), at: .mail))
    }
}
