import Ports
@testable import SMTP
import Testing

@Suite("Hostile servers, hostile content") struct ClientHostileTests {
    /// Octets that the client sends for a message of `parts`.
    private func wire(_ parts: [[UInt8]]) -> [UInt8] {
        var dialog = ClientDialog(.smtp, ClientSettings(), .whole)
        for text in ["220 x\r\n", "250-x\r\n250 PIPELINING\r\n"] {
            Array(text.utf8).withUnsafeBytes { dialog.session.receive($0) }
            _ = dialog.session.next(at: dialog.now)
        }
        dialog.session.begin(.test("b@y.example"), at: dialog.now)
        Array("250 ok\r\n250 ok\r\n354 go\r\n".utf8).withUnsafeBytes { dialog.session.receive($0) }
        _ = dialog.session.next(at: dialog.now)
        _ = dialog.session.takeOutput()
        for (index, part) in parts.enumerated() {
            dialog.session.send(body: part, isLast: index == parts.count - 1, at: dialog.now)
        }
        return dialog.session.takeOutput()
    }

    @Test("Outbound smuggling: whatever the content, one end of data and no bare CR or LF")
    func oneEndOfData() {
        let marks = ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r\r\n.\r\r\n", "\r\n.\r\r\n", "\n.\r\r\n", "\r\n\u{0}.\r\n", "\r\n.\u{0}\r\n",
                     ".", "\r\n.\r\n", ".\r\n"]
        let embedded = "MAIL FROM:<admin@y.example>\r\nRCPT TO:<v@y.example>\r\nDATA\r\nx\r\n.\r\n"
        for mark in marks {
            let content = Array(("x" + mark + embedded).utf8)
            for cut in 0...content.count {
                let bytes = wire([Array(content[..<cut]), Array(content[cut...])])
                #expect(ends(of: bytes) == [bytes.count - 3])
                #expect(bareLineEnds(in: bytes) == 0)
            }
        }
    }

    /// Where a line holds a single dot, by the loosest reading of what a line is.
    private func ends(of bytes: [UInt8]) -> [Int] {
        bytes.indices.filter { index in
            bytes[index] == 0x2e && (index == 0 || bytes[index - 1] == 0x0a || bytes[index - 1] == 0x0d)
                && index + 1 < bytes.count && (bytes[index + 1] == 0x0a || bytes[index + 1] == 0x0d)
        }
    }

    private func bareLineEnds(in bytes: [UInt8]) -> Int {
        bytes.indices.count { index in
            switch bytes[index] {
            case 0x0a: index == 0 || bytes[index - 1] != 0x0d
            case 0x0d: index + 1 == bytes.count || bytes[index + 1] != 0x0a
            default: false
            }
        }
    }

    @Test func absurdNumbersInTheEHLOReply() {
        for keywords in [["SIZE 99999999999999999999999999"], ["SIZE -1"], ["SIZE x"], ["LIMITS RCPTMAX=99999999999999999999 MAILMAX=-1 RCPTDOMAINMAX="],
                         ["LIMITS RCPTMAX=0"], ["SIZE 0", "LIMITS"]] {
            let reply = "250-x\r\n" + keywords.map { "250-\($0)\r\n" }.joined() + "250 PIPELINING\r\n"
            let outcome = ClientDialog.run([
                .server("220 x\r\n"), .client("EHLO me.example\r\n"), .server(reply),
                .begin(.test("b@y.example", "c@y.example")),
                .client("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>\r\nDATA\r\n"),
            ])
            #expect(outcome.results.isEmpty)
        }
    }

    @Test func hundredMegabytesWithoutALine() {
        var dialog = ClientDialog(.smtp, ClientSettings(), .whole)
        let piece = [UInt8](repeating: 0x32, count: 65536)
        for _ in 0..<1600 {
            piece.withUnsafeBytes { dialog.session.receive($0) }
            let action = dialog.session.next(at: dialog.now)
            #expect(action == .close(.failed(.garbage(.lineTooLong), at: .greeting)))
        }
    }

    @Test func repliesAreSanitised() {
        let outcome = ClientDialog.run(opening("PIPELINING") + [
            .begin(.test("b@y.example")), .client("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"),
            .server("250 ok\r\n553-\u{1b}]0;x\u{7}\r\n553 no\u{0}\rDiagnostic-Code: forged\r\n503 x\r\n"),
        ])
        #expect(outcome.results.map(\.recipients) == [[
            .refused(Reply(code: 553, lines: ["?]0;x?", "no??Diagnostic-Code: forged"]), at: .rcpt),
        ]])
    }
}
