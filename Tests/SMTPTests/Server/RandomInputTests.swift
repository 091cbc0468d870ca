import MessageFormat
import Ports
import SMTP
import Testing

/// Input that nobody would send, from seeds: no trap, and the same dialog however it is cut.
@Suite struct RandomInputTests {
    /// A small generator of its own (SplitMix64), so that a seed means the same everywhere.
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            return mixed ^ mixed >> 31
        }
    }

    private static let fragments: [[UInt8]] = [
        "EHLO a.example\r\n", "HELO a.example\r\n", "LHLO a.example\r\n", "MAIL FROM:<a@b.example>\r\n", "MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n",
        "RCPT TO:<c@d.example>\r\n", "RCPT TO:<c@d.example>", "DATA\r\n", ".\r\n", "\r\n.\r\n", "\n.\n", "\r.\r", "\r\n", "\r", "\n", "\0", ".", "..",
        "BDAT 5\r\n", "BDAT 5 LAST\r\n", "BDAT 0 LAST\r\n", "BDAT 400\r\n", "RSET\r\n", "NOOP\r\n", "XCLIENT ADDR=192.0.2.1\r\n", "XFORWARD NAME=x\r\n", " SIZE=10",
        "Received: x\r\n", "Subject: x\r\n", "\u{e9}", "\t", "\u{1b}", "MAIL", " FROM:", "<", ">", "@", "\"", "\\", ":", "=", "+00", "QUIT", "xxxxxxxxxxxxxxxxxxxxxxxx",
    ].map { Array($0.utf8) }

    @Test("Random input", arguments: 0..<60)
    func random(seed: Int) {
        var settings = ServerSettings()
        settings.dialect = seed % 3 == 0 ? .lmtp : .smtp
        settings.maxMessageSize = 600
        settings.largeMessageThreshold = 150
        settings.headerLimits.octets = 150
        settings.maxTextLine = 100
        settings.maxCommandLine = 80
        settings.softErrorLimit = 200
        settings.hardErrorLimit = 400
        let profile = ServerProfile(settings)
        var generator = Generator(state: UInt64(seed))
        for _ in 0..<40 {
            var input: [UInt8] = seed % 2 == 0 ? Array("\(seed % 3 == 0 ? "LHLO" : "EHLO") a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\n".utf8) : []
            for _ in 0..<Int.random(in: 1...40, using: &generator) {
                if Int.random(in: 0..<12, using: &generator) == 0 { input.append(UInt8.random(in: 0...255, using: &generator)) } else {
                    input += RandomInputTests.fragments[Int.random(in: 0..<RandomInputTests.fragments.count, using: &generator)]
                }
            }
            let whole = play(input, profile, pieces: [input.count])
            let single = play(input, profile, pieces: [1])
            let mixed = play(input, profile, pieces: (0..<8).map { _ in Int.random(in: 1...30, using: &generator) })
            if whole != single || whole != mixed { Issue.record("seed \(seed): \(String(decoding: input, as: UTF8.self).debugDescription)") }
        }
    }

    private struct Outcome: Equatable {
        var said: String
        var stored: [ScriptedHost.Stored]
        var closed: CloseReason?
    }

    private func play(_ input: [UInt8], _ profile: ServerProfile, pieces: [Int]) -> Outcome {
        let host = ScriptedHost(profile, permissions: [.xclient, .xforward])
        host.run()
        var start = 0
        var turn = 0
        while start < input.count {
            let end = min(start + pieces[turn % pieces.count], input.count)
            host.feed(input[start..<end])
            start = end
            turn += 1
        }
        return Outcome(said: host.takeOutput(), stored: host.stored, closed: host.closed)
    }
}
