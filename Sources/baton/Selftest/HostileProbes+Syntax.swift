extension HostileProbe {
    /// A command that must be refused, with the dialog in step afterwards.
    private static func refused(_ row: String, _ command: String, after hello: Bool = true, as name: String? = nil) -> HostileProbe {
        HostileProbe(row: row, name: name ?? command) { target in
            guard let client = hello ? target.hello()?.client : target.connect() else { return .finding("no answer") }
            let answer = client.say(command)
            guard answer.isRefusal else { return .finding(answer.text) }
            return answer == .closed || answer.code == 421 || isInStep(client) ? .resisted(answer.text) : .finding("out of step after \(answer.text)")
        }
    }

    /// An address that must be taken for nothing but an address: any answer will do, in time and in step.
    private static func literal(_ row: String, _ command: String) -> HostileProbe {
        HostileProbe(row: row, name: command) { target in
            guard let client = target.hello()?.client else { return .finding("no answer") }
            if command.hasPrefix("RCPT"), client.say("MAIL FROM:<>").code != 250 { return .skipped("MAIL was refused") }
            let answer = client.say(command)
            guard answer != .silence else { return .finding("no answer") }
            return answer == .closed || isInStep(client) ? .resisted(answer.text) : .finding("out of step after \(answer.text)")
        }
    }

    static let syntax: [HostileProbe] = [
        HostileProbe(row: "13", name: "POST / HTTP/1.1") { target in
            guard let client = target.connect() else { return .finding("no answer") }
            client.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\nMAIL FROM:<x@selftest.invalid>\r\nRCPT TO:<postmaster>\r\n")
            let codes = client.remainingCodes(waitMilliseconds: target.silenceMilliseconds)
            return codes.contains { (200..<300).contains($0) && $0 != 221 } ? .finding("answers \(codes)") : .resisted("answers \(codes)")
        },
        refused("14", "MAIL FROM:<;sleep 66;>"),
        literal("15", "RCPT TO:<${run{x}}@selftest.invalid>"), literal("15", "RCPT TO:<-oQ@selftest.invalid>"),
        literal("15", "RCPT TO:<\"| id\"@selftest.invalid>"), literal("15", "RCPT TO:<../../x@selftest.invalid>"),
        refused("16", "MAIL FROM:<a@selftest.invalid> AUTH=a+0Ab"), refused("16", "MAIL FROM:<a@selftest.invalid> ENVID=+00"),
        refused("16", "MAIL FROM:<a@selftest.invalid> ENVID=a+0Ab"),
        inTransaction("16", "ORCPT=rfc822;a+0Ab") { client in
            let answer = client.say("RCPT TO:<postmaster> ORCPT=rfc822;a+0Ab")
            return answer.isRefusal ? .resisted(answer.text) : .finding(answer.text)
        },
        refused("16", "EHLO x\u{1b}[2J", after: false, as: "EHLO x ESC [2J"),
        literal("17", "MAIL FROM:<\"x'/**/UNION/**/SELECT/**/X'00'--\"@selftest.invalid>"),
        refused("24", "MAIL FROM:<a@good.example>@evil.example"), refused("24", "MAIL FROM:<a@good.example,b@evil.example>"),
        refused("26", "EHLO " + String(repeating: "x", count: 100_000), after: false, as: "a command of 100,000 octets"),
    ] + base64

    // MARK: SASL

    /// Responses that are no base64, or none that any mechanism could want.
    private static let base64: [HostileProbe] = [
        ("length 4n+1", "AAAAA"), ("length 4n+2", "AAAAAA"), ("length 4n+3", "AAAAAAA"), ("= in the middle", "AA==AAAA"),
        ("a NUL", "AAAA\0AAA"), ("a line that ends in an escape", "AAA\\"), ("4 KB", String(repeating: "QUFB", count: 1024)),
    ].map { name, blob in
        HostileProbe(row: "27", name: "AUTH PLAIN with \(name)") { target in
            guard let client = target.hello()?.client else { return .finding("no answer") }
            let answer = client.say("AUTH PLAIN \(blob)")
            guard answer.isRefusal || (400..<500).contains(answer.code) else { return .finding(answer.text) }
            return answer == .closed || answer.code == 421 || isInStep(client) ? .resisted(answer.text) : .finding("out of step after \(answer.text)")
        }
    }
}
