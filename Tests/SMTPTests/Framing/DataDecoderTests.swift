import Testing
@testable import SMTP

/// Decodes `input` in pieces of `size` octets; nil if the end was not found.
private func decode(_ input: [UInt8], by size: Int) -> (body: [UInt8], rest: [UInt8], findings: ContentFindings)? {
    var decoder = DataDecoder(lineOctetsMax: 2000)
    var body: [UInt8] = []
    var used = 0
    while used < input.count, !decoder.isFinished {
        let piece = Array(input[used..<min(used + size, input.count)])
        used += piece.withUnsafeBytes { decoder.decode($0, into: &body) }
    }
    #expect(decoder.octets == body.count)
    return decoder.isFinished ? (body, Array(input[used...]), decoder.findings) : nil
}

@Suite struct DataDecoderTests {
    @Test("A message ends at CRLF.CRLF only, however it is cut", arguments: [
        ("a\r\nb\r\n.\r\nQUIT", "a\r\nb\r\n", "QUIT", []),
        (".\r\n", "", "", []),
        ("..\r\n...a\r\n.b\r\n.\r\n", ".\r\n..a\r\nb\r\n", "", []),
        ("a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", "", .bareLF),
        ("a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", "", .bareLF),
        ("a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", "", .bareCR),
        ("a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n", "", .bareCR),
        ("a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", "", .bareLF),
        ("a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", "", .bareCR),
        ("a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n", "", .bareCR),
        ("a\r\r\n.\r\r\nb\r\n.\r\n", "a\r\r\n\r\r\nb\r\n", "", .bareCR),
        ("a\r\n\0.\r\nb\r\n.\r\n", "a\r\n\0.\r\nb\r\n", "", .nul),
        ("a\r\n.\0\r\nb\r\n.\r\n", "a\r\n\0\r\nb\r\n", "", .nul),
        ("\n.\r\n.\r\n", "\n.\r\n", "", .bareLF),
        ("é\r\n.\r\n", "é\r\n", "", .eightBit),
    ] as [(String, String, String, ContentFindings)])
    func ends(input: String, body: String, rest: String, findings: ContentFindings) throws {
        let bytes = Array(input.utf8)
        for size in 1...bytes.count {
            let result = try #require(decode(bytes, by: size), "pieces of \(size)")
            #expect(result.body == Array(body.utf8))
            #expect(result.findings == findings)
            if size == bytes.count { #expect(result.rest == Array(rest.utf8)) }
        }
    }

    @Test("What looks like an end is none", arguments: [
        "\n.\n", "\n.\r", "\r.\n", "\r.\r", "\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r\n\0.\r\n", "\r\n.\0\r\n",
        "\r\n.\r\r\n", "\r\r\n.\r\r\n", "\n.\r\r\n",
    ])
    func noEnd(sequence: String) {
        let bytes = Array(("text" + sequence + "MAIL FROM:<evil@a.example>\r\n").utf8)
        for size in [1, 2, 3, bytes.count] { #expect(decode(bytes, by: size) == nil) }
    }

    @Test("Long lines are noted at 999 octets, overlong ones past the limit")
    func lines() throws {
        func findings(_ length: Int) throws -> [ContentFindings] {
            let bytes = [UInt8](repeating: 0x61, count: length) + Array("\r\n.\r\n".utf8)
            return try [1, 7, bytes.count].map { try #require(decode(bytes, by: $0)).findings }
        }
        #expect(try findings(998).allSatisfy { $0 == [] })
        #expect(try findings(999).allSatisfy { $0 == .longLine })
        #expect(try findings(2000).allSatisfy { $0 == .longLine })
        #expect(try findings(2001).allSatisfy { $0 == [.longLine, .overlongLine] })
    }

    @Test("Not keeping changes nothing about the end")
    func discard() {
        var decoder = DataDecoder()
        var body: [UInt8] = []
        let input = Array("a\r\n..b\r\n.\r\nNOOP\r\n".utf8)
        let used = input.withUnsafeBytes { decoder.decode($0, into: &body, keeping: false) }
        #expect(body.isEmpty)
        #expect(decoder.isFinished && used == input.count - 6 && decoder.octets == 7)
    }
}
