import Ports
@testable import SMTP
import Testing

/// A transaction to b@y.example and c@y.example, cut off at a stage.
private struct Stage: Sendable, CustomTestStringConvertible {
    let stage: ClientStage
    let steps: [DialogStep]
    let timeout: Duration
    /// Whether b was refused before.
    var firstRefused = false

    var testDescription: String { "\(stage)\(firstRefused ? ", first refused" : "")" }
}

private let commands = "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>\r\nDATA\r\n"
private let refusal = Reply(550, .init(5, 1, 1), "no")

private let stages: [Stage] = {
    let start = opening("PIPELINING") + [.begin(.test("b@y.example", "c@y.example")), .client(commands)]
    let toBody = start + [.server("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")]
    let dot: [DialogStep] = [.body(["hello\r\n"]), .client("hello\r\n.\r\n")]
    return [
        Stage(stage: .mail, steps: start, timeout: .minutes(5)),
        Stage(stage: .rcpt, steps: start + [.server("250 ok\r\n")], timeout: .minutes(5)),
        Stage(stage: .rcpt, steps: start + [.server("250 ok\r\n550 5.1.1 no\r\n")], timeout: .minutes(5), firstRefused: true),
        Stage(stage: .data, steps: start + [.server("250 ok\r\n550 5.1.1 no\r\n250 ok\r\n")], timeout: .minutes(2), firstRefused: true),
        Stage(stage: .body, steps: toBody, timeout: .minutes(3)),
        Stage(stage: .endOfData, steps: toBody + dot, timeout: .minutes(10)),
    ]
}()

@Suite struct ClientTroubleTests {
    @Test("421 at each stage", arguments: stages) fileprivate func closing(_ stage: Stage) {
        let reply = Reply(421, .init(4, 3, 2), "closing")
        let outcome = ClientDialog.run(stage.steps + [.server("421 4.3.2 closing\r\n"), .closed(nil)])
        let answer = RecipientAnswer.refused(reply, at: stage.stage)
        #expect(outcome.results.map(\.recipients) == [[stage.firstRefused ? .refused(refusal, at: .rcpt) : answer, answer]])
        #expect(outcome.end == .refused(reply, at: stage.stage))
    }

    @Test("EOF at each stage", arguments: stages) fileprivate func closed(_ stage: Stage) {
        for error in [nil, ConnectionError.reset] {
            let outcome = ClientDialog.run(stage.steps + [.closed(error)])
            expect(outcome, stage, .connectionLost(error))
        }
    }

    @Test("Silence at each stage", arguments: stages) fileprivate func silence(_ stage: Stage) {
        #expect(ClientDialog.run(stage.steps + [.wait(stage.timeout - .nanoseconds(1))]).end == nil)
        expect(ClientDialog.run(stage.steps + [.wait(stage.timeout)]), stage, .timedOut)
    }

    @Test("Garbage at each stage", arguments: stages) fileprivate func garbage(_ stage: Stage) {
        for (text, error) in [("25\r\n", ReplyError.malformed), ("250-a\r\n251 b\r\n", .codeChanged)] {
            expect(ClientDialog.run(stage.steps + [.server(text)]), stage, .garbage(error))
        }
        let endless = String(repeating: "250-x\r\n", count: ReplyParser.maxLines + 1)
        expect(ClientDialog.run(stage.steps + [.server(endless)]), stage, .garbage(.endless))
    }

    private func expect(_ outcome: DialogOutcome, _ stage: Stage, _ failure: ClientFailure) {
        let answer = stage.stage == .endOfData ? RecipientAnswer.unknown(failure) : .broken(failure, at: stage.stage)
        #expect(outcome.results.map(\.recipients) == [[stage.firstRefused ? .refused(refusal, at: .rcpt) : answer, answer]])
        #expect(outcome.end == .failed(failure, at: stage.stage))
    }

    @Test func everyReplyHasItsOwnTime() {
        let outcome = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example", "c@y.example")), .client(commands), .wait(.minutes(4)), .server("250 ok\r\n"), .wait(.minutes(4)),
            .server("250 ok\r\n"), .wait(.minutes(4)), .server("250 ok\r\n"), .wait(.minutes(1)), .server("354 ok\r\n"),
        ])
        #expect(outcome.end == nil)
    }

    @Test func everyBlockHasItsOwnTime() {
        let start = stages[4].steps + [.wait(.minutes(2)), .part("a"), .client("a")]
        #expect(ClientDialog.run(start + [.wait(.minutes(2)), .part("b"), .client("b"), .wait(.minutes(2))]).end == nil)
        #expect(ClientDialog.run(start + [.wait(.minutes(3))]).end == .failed(.timedOut, at: .body))
    }

    @Test("Every reply to every command: no trap, an answer for all, or the dialog goes on")
    func everyReplyEverywhere() {
        let replies = ["220 x", "250 x", "251 x", "252 x", "354 x", "334 x", "421 x", "450 x", "452 x", "500 x", "503 x", "550 x", "552 x", "554 x", "599 x"]
        for keywords in [["PIPELINING"], ["X"]] {
            for path in 0..<(replies.count * replies.count * replies.count) {
                var dialog = ClientDialog(.smtp, ClientSettings(), .whole)
                let texts = ["220 x\r\n", "250-x\r\n250 \(keywords[0])\r\n"]
                feed(&dialog, texts)
                dialog.session.begin(.test("b@y.example"), at: dialog.now)
                let choice = [path % replies.count, path / replies.count % replies.count, path / replies.count / replies.count]
                let results = feed(&dialog, choice.map { replies[$0] + "\r\n" })
                #expect(results.count <= 1)
                for result in results { #expect(result.recipients.count == 1) }
            }
        }
    }

    @discardableResult
    private func feed(_ dialog: inout ClientDialog, _ texts: [String]) -> [TransactionResult] {
        var results: [TransactionResult] = []
        for text in texts {
            Array(text.utf8).withUnsafeBytes { dialog.session.receive($0) }
            loop: while true {
                switch dialog.session.next(at: dialog.now) {
                case .finished(let result): results.append(result)
                case .needBody: dialog.session.send(body: Array("x\r\n".utf8), isLast: true, at: dialog.now)
                case .needInput, .ready, .startTLS, .close: break loop
                }
            }
        }
        return results
    }
}
