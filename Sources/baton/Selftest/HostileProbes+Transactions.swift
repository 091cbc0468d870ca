extension HostileProbe {
    // MARK: Smuggling

    /// What has been taken for the end of a message by one server or another.
    private static let falseEnds: [(name: String, bytes: String)] = [
        ("LF . LF", "\n.\n"), ("LF . CRLF", "\n.\r\n"), ("CRLF . LF", "\r\n.\n"), ("CR . CR", "\r.\r"), ("CRLF . CR", "\r\n.\r"),
        ("CR CRLF . CR CRLF", "\r\r\n.\r\r\n"), ("CRLF . CR CRLF", "\r\n.\r\r\n"), ("LF . CR CRLF", "\n.\r\r\n"),
        ("CRLF NUL . CRLF", "\r\n\0.\r\n"), ("CRLF . NUL CRLF", "\r\n.\0\r\n"),
    ]

    /// How the octets are cut into segments.
    private enum Cut: String, CaseIterable, Sendable {
        case whole = "in one segment", octets = "octet by octet", pauses = "with pauses"
    }

    static let smuggling: [HostileProbe] = falseEnds.flatMap { end in
        Cut.allCases.map { cut in
            inTransaction("1", "\(end.name) \(cut.rawValue)") { client, target in smuggle(end.bytes, cut, client, target) }
        }
    } + [
        inTransaction("1", "LF at the end of a command") { client, target in
            client.send("RSET\nMAIL FROM:<smuggled@selftest.invalid>\r\n")
            let codes = client.remainingCodes(waitMilliseconds: target.silenceMilliseconds)
            // RSET and MAIL both served would be two commands from what another server takes for one line.
            return codes.filter { $0 == 250 }.count > 1 ? .finding("answers \(codes)") : .resisted("answers \(codes)")
        },
    ]

    private static func smuggle(_ end: String, _ cut: Cut, _ client: HostileClient, _ target: HostileTarget) -> Result {
        guard client.say("DATA").code == 354 else { return .skipped("DATA was refused") }
        client.send("Subject: Baton selftest\r\n\r\nThis message tests the server for smuggling.")
        switch cut {
        case .whole: client.send(end)
        case .octets: client.trickle(Array(end.utf8))
        case .pauses: client.trickle(Array(end.utf8), pauseMilliseconds: target.pauseMilliseconds)
        }
        client.send("MAIL FROM:<smuggled@selftest.invalid>\r\nRCPT TO:<postmaster>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\nNOOP\r\n")
        let codes = client.remainingCodes(waitMilliseconds: target.silenceMilliseconds)
        // One answer to the message, one to NOOP; more are answers to what was within the message.
        return codes.count <= 2 && !codes.contains(354) ? .resisted("answers \(codes)") : .finding("answers \(codes)")
    }

    // MARK: The state of a transaction

    static let transactions: [HostileProbe] = [
        inTransaction("4", "BDAT of an impossible size, then DATA") { client in
            let size = client.say("BDAT 99999999999999999999")
            guard size.isRefusal else { return .finding("BDAT: \(size.text)") }
            let data = client.say("DATA")
            return data.isRefusal ? .resisted("BDAT \(size.code), DATA \(data.code)") : .finding("DATA: \(data.text)")
        },
        inTransaction("5", "a message refused at its end resets the transaction") { client in
            guard client.say("DATA").code == 354 else { return .skipped("DATA was refused") }
            let end = client.say("Subject: Baton selftest\r\n\r\nbare\nline\r\n.")
            let rcpt = client.say("RCPT TO:<postmaster>"), data = client.say("DATA")
            return rcpt.isRefusal && data.isRefusal ? .resisted("end \(end.code), RCPT \(rcpt.code), DATA \(data.code)")
                : .finding("RCPT: \(rcpt.text), DATA: \(data.text)")
        },
        inTransaction("6", "VRFY, EXPN and NOOP within a transaction change nothing") { client in
            for command in ["VRFY <ü@x>", "EXPN list", "NOOP x"] where client.say(command).code == 0 { return .finding("no answer to \(command)") }
            let nested = client.say("MAIL FROM:<other@selftest.invalid>")
            let data = client.say("DATA")
            guard nested.isRefusal, data.code == 354 else { return .finding("MAIL: \(nested.text), DATA: \(data.text)") }
            return .resisted("MAIL \(nested.code), DATA 354")
        },
        inTransaction("7", "a thousand BDAT 0") { client in
            client.send(String(repeating: "BDAT 0\r\n", count: 1000))
            var last = HostileClient.Answer.silence
            for _ in 0..<1000 {
                last = client.answer()
                if last.code == 0 { break }
            }
            return last == .silence ? .finding("no answer") : .resisted(last.text)
        },
        afterHello("7", "BDAT -1") { client, _ in
            let answer = client.say("BDAT -1")
            return answer.isRefusal ? .resisted(answer.text) : .finding(answer.text)
        },
        inTransaction("7", "BDAT 9223372036854775807") { client, target in
            let answer = client.say("BDAT 9223372036854775807 LAST", waitMilliseconds: target.silenceMilliseconds)
            // To wait for the octets is as good as a refusal: they will not come.
            return answer == .silence || answer.isRefusal ? .resisted(answer.text) : .finding(answer.text)
        },
        afterHello("7", "BDAT without MAIL: refused, its octets eaten") { client, _ in
            client.send("BDAT 6\r\nNOOP\r\nRSET\r\n")
            let first = client.answer(), second = client.answer(), third = client.answer(waitMilliseconds: 300)
            return first.isRefusal && second.code == 250 && third == .silence ? .resisted("\(first.code), then RSET 250")
                : .finding("\(first.text), \(second.text), \(third.text)")
        },
        inTransaction("7", "a chunk that begins with a dot is no end") { client in
            client.send("BDAT 3\r\n.\r\nNOOP\r\n")
            let first = client.answer(), second = client.answer()
            return first.code == 250 && second.code != 0 ? .resisted("\(first.code), \(second.code)") : .finding("\(first.text), \(second.text)")
        },
    ]
}
