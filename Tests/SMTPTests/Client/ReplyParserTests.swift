@testable import SMTP
import Testing

@Suite struct ReplyParserTests {
    /// What a parser makes of `text`, cut into pieces of `step` octets.
    private func parse(_ text: [UInt8], step: Int) -> (replies: [Reply], error: ReplyError?) {
        var parser = ReplyParser()
        var replies: [Reply] = []
        var index = 0
        while index < text.count {
            let end = min(index + step, text.count)
            text[index..<end].withUnsafeBytes { parser.receive($0) }
            index = end
            do throws(ReplyError) {
                while let reply = try parser.next() { replies.append(reply) }
            } catch { return (replies, error) }
        }
        return (replies, nil)
    }

    private func check(_ text: String, _ replies: [Reply], _ error: ReplyError? = nil,
                       sourceLocation: SourceLocation = #_sourceLocation) {
        let bytes = Array(text.utf8)
        for step in [bytes.count, 1, 2, 3, 7] where step > 0 {
            let result = parse(bytes, step: step)
            #expect(result.replies == replies, sourceLocation: sourceLocation)
            #expect(result.error == error, sourceLocation: sourceLocation)
        }
    }

    @Test func plainReplies() {
        check("250 OK\r\n", [Reply(250, nil, "OK")])
        check("250\r\n", [Reply(250, nil, "")])
        check("250 \r\n", [Reply(250, nil, "")])
        check("354 go\n221 bye\n", [Reply(354, nil, "go"), Reply(221, nil, "bye")])
        check("250-a\r\n250-b c\r\n250 d\r\n", [Reply(code: 250, lines: ["a", "b c", "d"])])
        check("250 O", [])
    }

    @Test func enhancedStatusCodes() {
        check("550 5.1.1 no\r\n", [Reply(550, .init(5, 1, 1), "no")])
        check("550 5.1.10\r\n", [Reply(550, .init(5, 1, 10), "")])
        check("550-5.7.1 one\r\n550-5.7.1 two\r\n550 three\r\n",
              [Reply(code: 550, enhanced: .init(5, 7, 1), lines: ["one", "two", "three"])])
        check("550-one\r\n550 5.7.1 two\r\n", [Reply(code: 550, lines: ["one", "5.7.1 two"])])
        // A class that contradicts the code, or something that only looks like one.
        check("550 4.1.1 no\r\n", [Reply(550, nil, "4.1.1 no")])
        check("250 2.1.1234 x\r\n", [Reply(250, nil, "2.1.1234 x")])
        check("250 2.1.1x\r\n", [Reply(250, nil, "2.1.1x")])
        check("550 5.1\r\n", [Reply(550, nil, "5.1")])
    }

    @Test func garbage() {
        for text in ["25\r\n", "\r\n", "2\n", "hello\r\n", "2500 x\r\n", "250_x\r\n", "150 x\r\n", "650 x\r\n", "2a0 x\r\n",
                     "HTTP/1.1 400 Bad Request\r\n", " 250 x\r\n", "\u{0}250 x\r\n"] {
            check(text, [], .malformed)
        }
        check("250 a\r\n25\r\n250 b\r\n", [Reply(250, nil, "a")], .malformed)
        check("250-a\r\n25\r\n", [], .malformed)
    }

    @Test("CVE-2020-8794: a last line without text") func multilineWithoutText() {
        check("553-\r\n553\r\n", [Reply(code: 553, lines: ["", ""])])
        check("553-x\r\n553\r\n", [Reply(code: 553, lines: ["x", ""])])
    }

    @Test func codeChanges() {
        check("250-a\r\n550 b\r\n", [], .codeChanged)
        check("553-a\r\n554-b\r\n553 c\r\n", [], .codeChanged)
    }

    @Test func textIsMadePrintable() {
        check("550 a\u{0}b\rc\u{1b}[2Jd\te\r\n", [Reply(550, nil, "a?b?c?[2Jd?e")])
        check("550 Grüße 你好\r\n", [Reply(550, nil, "Grüße 你好")])
        check("550 x\u{202e}y\u{85}z\u{2028}\r\n", [Reply(550, nil, "x?y?z?")])
        let broken: [UInt8] = Array("550 a".utf8) + [0xff, 0xc3] + Array("b\r\n".utf8)
        #expect(parse(broken, step: 100).replies == [Reply(550, nil, "a??b")])
        check("250 x\r\r\n", [Reply(250, nil, "x?")])
    }

    @Test func longLinesAreCut() {
        let text = String(repeating: "x", count: ReplyParser.maxLineOctets - 6)
        check("250 \(text)\r\n", [Reply(250, nil, String(text.prefix(512)))])
        check("250 \(text)x\r\n", [], .lineTooLong)
    }

    @Test func linesThatDoNotEnd() {
        let text = [UInt8](repeating: 0x32, count: ReplyParser.maxLineOctets)
        #expect(parse(text, step: 100).error == nil)
        #expect(parse(text + [0x32], step: 100).error == .lineTooLong)
        #expect(parse([UInt8](repeating: 0x32, count: 1_000_000), step: 65536).error == .lineTooLong)
    }

    @Test func endlessReplies() {
        let line = Array("250-x\r\n".utf8)
        let many = Array(repeatElement(line, count: ReplyParser.maxLines - 1).joined())
        let result = parse(many + Array("250 x\r\n".utf8), step: 1000)
        #expect(result.replies.count == 1)
        #expect(result.replies.first?.lines.count == ReplyParser.keptLines)
        #expect(parse(many + line + line, step: 1000).error == .endless)
        let fat = Array(("250-" + String(repeating: "x", count: 4000) + "\r\n").utf8)
        #expect(parse(Array(repeatElement(fat, count: 40).joined()), step: 4096).error == .endless)
    }

    @Test func floodOfUnreadInputIsRefused() throws {
        var parser = ReplyParser()
        let flood = [UInt8](repeating: 0x0a, count: ReplyParser.maxUnreadOctets)
        flood.withUnsafeBytes { parser.receive($0) }
        flood.withUnsafeBytes { parser.receive($0) }
        #expect(throws: ReplyError.endless) { try parser.next() }
        #expect(throws: ReplyError.endless) { try parser.next() }
    }

    @Test func randomBytesNeverTrap() {
        var state: UInt64 = 42
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        let alphabet = Array("2345-. \r\n0x\u{0}".utf8) + [0xff, 0xc3]
        for _ in 0..<3000 {
            let bytes = (0..<Int(next() % 40)).map { _ in alphabet[Int(next() % UInt64(alphabet.count))] }
            let whole = parse(bytes, step: max(bytes.count, 1))
            let single = parse(bytes, step: 1)
            #expect(whole.replies == single.replies && whole.error == single.error)
        }
    }
}
