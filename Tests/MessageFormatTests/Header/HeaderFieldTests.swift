import Ports
import Testing
@testable import MessageFormat

@Suite struct HeaderFieldTests {
    private func text(_ field: HeaderField) -> String { String(decoding: field.wire, as: UTF8.self) }

    @Test func plainTextStaysPlain() {
        #expect(text(HeaderField(.subject, text: "Undelivered mail: it's over")) == "Subject: Undelivered mail: it's over\r\n")
        #expect(text(HeaderField(.subject, text: "")) == "Subject:\r\n")
        #expect(text(HeaderField(.date, date: DateTime(Timestamp(seconds: 0)))) == "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n")
    }

    @Test func injectionBecomesBlanks() {
        #expect(text(HeaderField(.subject, text: "a\r\nBcc: e@x\0\u{1b}[2J")) == "Subject: a  Bcc: e@x  [2J\r\n")
        #expect(text(HeaderField("X", structured: "a\r\nB: c\u{85}d\u{2028}e")) == "X: a  B: c d e\r\n")
    }

    @Test func unicodeIsEncodedOrKept() {
        #expect(text(HeaderField(.subject, text: "Grüße an alle")) == "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_an_alle?=\r\n")
        #expect(text(HeaderField(.subject, text: "日本語")) == "Subject: =?utf-8?b?5pel5pys6Kqe?=\r\n")
        #expect(text(HeaderField(.subject, text: "Grüße", charset: .utf8)) == "Subject: Grüße\r\n")
        #expect(text(HeaderField("X", structured: "Grüße")) == "X: Gr??e\r\n")
        #expect(text(HeaderField(.subject, text: "=?x?")) == "Subject: =?utf-8?b?PT94Pw==?=\r\n")
    }

    @Test func foldsAtBlanks() {
        let words = Array(repeating: "word", count: 40).joined(separator: " ")
        let lines = text(HeaderField("X", structured: words)).split(separator: "\r\n")
        #expect(lines.allSatisfy { $0.utf8.count <= 78 })
        #expect(lines.dropFirst().allSatisfy { $0.first == " " })
        #expect(lines.joined() == "X: " + words)
    }

    @Test func theHardLimitCutsWords() {
        for name: HeaderName in ["X", "X-A-Rather-Long-Name"] {
            let wire = text(HeaderField(name, structured: String(repeating: "é", count: 3000), charset: .utf8))
            #expect(wire.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 998 })
            #expect(!wire.contains("\u{fffd}"))
        }
    }

    @Test func mailboxes() throws {
        let address = try EmailAddress(parsing: "a@x.example")
        func wire(_ name: String?, _ charset: HeaderCharset = .ascii) -> String {
            text(HeaderField(.from, [HeaderMailbox(displayName: name, address: address)], charset: charset))
        }
        #expect(wire(nil) == "From: a@x.example\r\n")
        #expect(wire("Mail Delivery System") == "From: Mail Delivery System <a@x.example>\r\n")
        #expect(wire("Doe, \"J\"") == "From: \"Doe, \\\"J\\\"\" <a@x.example>\r\n")
        #expect(wire("Pelé") == "From: =?utf-8?b?UGVsw6k=?= <a@x.example>\r\n")
        #expect(wire("Pelé, F", .utf8) == "From: \"Pelé, F\" <a@x.example>\r\n")
        #expect(wire("x\r\nBcc: y") == "From: \"x  Bcc: y\" <a@x.example>\r\n")
    }

    @Test func namesIgnoreCase() {
        #expect(HeaderName(parsing: "recEIVED") == .received)
        #expect(Set<HeaderName>([.to, "TO", "to"]).count == 1)
        for text in ["a:b", "", "a b", "é", "a\r\nb", String(repeating: "x", count: 78)] { #expect(HeaderName(parsing: text) == nil) }
    }

    @Test func encodedWordsComeBack() {
        for count in 1...200 {
            for unit in ["é", "日", "a b", "😀x", "=?"] {
                let original = String(repeating: unit, count: count)
                let wire = HeaderField(.subject, text: original).wire
                check(wire, comesBackAs: original)
            }
        }
    }

    @Test(.enabled(if: SuiteFolder.exists("naughty-strings"), "suite naughty-strings is absent"))
    func naughtyStringsComeBack() throws {
        let address = try EmailAddress(parsing: "a@x.example")
        for original in try SuiteFolder.json("naughty-strings/blns.json", as: [String].self) {
            check(HeaderField(.subject, text: original).wire, comesBackAs: VisibleText.from(original))
            for charset in [HeaderCharset.ascii, .utf8] {
                check(HeaderField(.subject, text: original, charset: charset).wire, comesBackAs: nil)
                check(HeaderField("X-Diagnostic", structured: original, charset: charset).wire, comesBackAs: nil)
                check(HeaderField(.from, [HeaderMailbox(displayName: original, address: address)], charset: charset).wire, comesBackAs: nil)
            }
        }
    }

    /// One field, no controls, no blank or overlong line; and the text a reader gets.
    private func check(_ wire: [UInt8], comesBackAs original: String?) {
        let lines = String(decoding: wire, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.last == "")
        for line in lines.dropLast() {
            #expect(line.utf8.count <= 998 && !line.allSatisfy { $0 == " " })
            #expect(!line.unicodeScalars.contains { $0.value < 32 || $0.value == 127 })
            if line.contains("=?utf-8?") { #expect(line.utf8.count <= 78) }
        }
        #expect(lines.dropFirst().dropLast().allSatisfy { $0.utf8.first == 0x20 })
        let header = try? HeaderSection(scanning: wire + [0x0d, 0x0a])
        #expect(header?.fields.count == 1 && header?.ending == .emptyLine)
        guard let original, let header, let field = header.fields.first else { return }
        #expect(EncodedWordDecoder.decode(header.text(of: field, in: wire.span)) == original)
    }
}
