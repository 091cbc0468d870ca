extension HostileProbe {
    // MARK: Size

    static let sizes: [HostileProbe] = [
        HostileProbe(row: "26", name: "4 MiB of command without a line end") { target in
            guard let client = target.hello()?.client else { return .finding("no answer") }
            let block = [UInt8](repeating: UInt8(ascii: "A"), count: 64 << 10)
            for _ in 0..<64 where !client.send(block) { return .resisted("closed") }
            client.send("\r\n")
            let answer = client.answer()
            return answer.isRefusal ? .resisted(answer.text) : .finding(answer.text)
        },
        inTransaction("26", "recipients without end") { client in
            client.send(String(repeating: "RCPT TO:<postmaster>\r\n", count: 3000))
            var taken = 0, refused = 0
            for _ in 0..<3000 {
                let answer = client.answer()
                if answer.code == 250 { taken += 1 } else { refused += 1 }
                if answer.code == 0 || answer.code == 421 { break }
            }
            return refused > 0 ? .resisted("\(taken) taken, then refused") : .finding("\(taken) taken")
        },
        inTransaction("26", "100,000 header fields") { client in
            guard client.say("DATA").code == 354 else { return .skipped("DATA was refused") }
            for _ in 0..<100 where !client.send(String(repeating: "X: y\r\n", count: 1000)) { return .resisted("closed") }
            client.send("\r\n.\r\n")
            let answer = client.answer()
            return answer.isRefusal ? .resisted(answer.text) : .finding(answer.text)
        },
        inTransaction("26", "SIZE beyond all bounds") { client in
            _ = client.say("RSET")
            let answer = client.say("MAIL FROM:<> SIZE=99999999999999999999")
            return answer.isRefusal ? .resisted(answer.text) : .finding(answer.text)
        },
    ]

    // MARK: Doors that must be shut

    static let doors: [HostileProbe] = [
        afterHello("8", "commands behind STARTTLS in one segment") { client, offer in
            guard offer.contains("STARTTLS") else {
                let answer = client.say("STARTTLS")
                return answer.isRefusal ? .skipped("not offered: \(answer.text)") : .finding("not offered, and yet \(answer.text)")
            }
            client.send("STARTTLS\r\nEHLO selftest.invalid\r\nMAIL FROM:<e@selftest.invalid>\r\n")
            let codes = client.remainingCodes(waitMilliseconds: 1000)
            return codes.filter { $0 == 220 }.count == 1 && codes.count == 1 ? .resisted("220 alone") : .finding("answers \(codes)")
        },
        HostileProbe(row: "28", name: "a PROXY header from nobody's proxy") { target in
            if case .proxy? = target.pretended { return .skipped("this host is a proxy there") }
            guard let client = target.connect() else { return .finding("no answer") }
            let answer = client.say("PROXY TCP4 127.0.0.1 127.0.0.1 1 25")
            return answer.isRefusal ? .resisted(answer.text) : .finding(answer.text)
        },
        HostileProbe(row: "28", name: "XCLIENT of a stranger") { target in
            if case .xclient? = target.pretended { return .skipped("this host may say XCLIENT there") }
            guard let (client, offer) = target.hello() else { return .finding("no answer") }
            guard !offer.contains(where: { $0.hasPrefix("XCLIENT") }) else {
                return target.mayRelay.map { .skipped($0) } ?? .finding("XCLIENT is offered")
            }
            let answer = client.say("XCLIENT ADDR=127.0.0.1 NAME=localhost")
            return answer.isRefusal ? .resisted(answer.text) : .finding(answer.text)
        },
        inTransaction("32", "recipients that nobody has") { client, target in
            // A server that takes them must bounce them later, to whom a forger names.
            let answer = client.say("RCPT TO:<nobody-\(UInt32.max)@selftest.invalid>")
            return answer.isRefusal || (400..<500).contains(answer.code) ? .resisted(answer.text) : .skipped(target.mayRelay ?? "taken: see the relay probes")
        },
    ] + relays

    /// Ways to ask for relaying, as open-relay scripts know them.
    private static let relays: [HostileProbe] = [
        "<relay@selftest.invalid>", "<relay%selftest.invalid@localhost>", "<selftest.invalid!relay@localhost>", "<selftest.invalid!relay>",
        "<@localhost:relay@selftest.invalid>", "<\"relay@selftest.invalid\">", "<relay@selftest.invalid@localhost>",
        "<relay@[203.0.113.1]>", "relay@selftest.invalid", "<\"relay@selftest.invalid\"@localhost>",
    ].flatMap { path in
        ["<>", "<postmaster@localhost>", "<relay@selftest.invalid>"].map { sender in
            HostileProbe(row: "relay", name: "from \(sender) to \(path)") { target in
                if let reason = target.mayRelay { return .skipped(reason) }
                guard let client = target.hello()?.client else { return .finding("no answer") }
                let mail = client.say("MAIL FROM:\(sender)")
                guard mail.code == 250 else { return .resisted("MAIL \(mail.text)") }
                let answer = client.say("RCPT TO:\(path)")
                return (200..<300).contains(answer.code) ? .finding(answer.text) : .resisted(answer.text)
            }
        }
    }
}
