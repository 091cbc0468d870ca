import MessageFormat
import Testing

@testable import Control

/// Repeatable random numbers (SplitMix64).
private struct Mixer {
    var state: UInt64

    mutating func next(below bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return Int((z ^ z >> 31).multipliedFullWidth(by: UInt64(bound)).high)
    }

    mutating func text(of pieces: [String], _ count: Int) -> [UInt8] {
        (0..<next(below: count)).flatMap { _ in Array(pieces[next(below: pieces.count)].utf8) }
    }
}

@Suite("Local input at random")
struct RandomInputTests {
    @Test("no message traps; what comes out has only CRLF, no Bcc, and a From", arguments: 0..<8)
    func messages(_ seed: Int) throws {
        var mixer = Mixer(state: UInt64(seed))
        let pieces = ["To: ", "Bcc: ", "bcc:", "From: a@x.example", "Resent-To:", "\n", "\r\n", "\r", "\n\n", " ", "\t", ".", "\n.\n", "a@x.example",
                      ",", ";", "<", ">", "(", ")", "\"", "\\", ":", "\u{0}", "ü", "[", "From ", "x"]
        for _ in 0..<400 {
            let arguments = try SendmailArguments(mixer.next(below: 2) == 0 ? ["-t", "-i", "bob"] : ["-F", "N\r\nX: y", "bob"])
            let input = mixer.text(of: pieces, 40)
            guard let message = try? LocalMessage(arguments, input: input, user: "me", host: "h.example") else { continue }
            let content = message.content
            for (index, byte) in content.enumerated() {
                if byte == 0x0a { #expect(index > 0 && content[index - 1] == 0x0d) }
                if byte == 0x0d { #expect(index + 1 < content.count && content[index + 1] == 0x0a) }
            }
            let section = try HeaderSection(scanning: content)
            #expect(section.first("Bcc", in: content.span) == nil)
            #expect(section.first(.from, in: content.span) != nil)
        }
    }

    @Test("no request traps", arguments: 0..<8)
    func requests(_ seed: Int) {
        var mixer = Mixer(state: UInt64(seed))
        let pieces = ["{", "}", "[", "]", ":", ",", "\"command\"", "\"list\"", "\"operate\"", "\"filter\"", "\"ids\"", "\"limit\"", "1e999", "-1",
                      "9223372036854775808", "null", "true", "\"\\ud800\"", "\"\u{0}\"", "\"olderThan\"", " "]
        for _ in 0..<800 {
            let line = mixer.text(of: pieces, 16)
            guard let request = try? WireLine.decode(ControlRequest.self, from: line) else { continue }
            if case .list(let arguments) = request { _ = try? arguments.filter.queueFilter() }
        }
    }
}
