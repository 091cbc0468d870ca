import Ports
import SMTP
import Testing

/// Every command in every state: no trap, a legal reply, and RSET always recovers.
@Suite struct EveryCommandTests {
    static let commands = [
        "EHLO a.example", "HELO a.example", "LHLO a.example", "MAIL FROM:<a@b.example>", "MAIL FROM:<>", "MAIL FROM:<a@b.example> BODY=BINARYMIME",
        "RCPT TO:<c@d.example>", "RCPT TO:<no@d.example>", "DATA", "BDAT 0", "BDAT 0 LAST", "BDAT 3\r\na\r\n", "BDAT 3 LAST\r\na\r\n", "RSET", "NOOP",
        "VRFY x", "EXPN x", "HELP", "STARTTLS", "AUTH PLAIN dXNlcg==", "AUTH PLAIN AHVzZXIAcGVuY2ls", "XCLIENT ADDR=192.0.2.9", "XFORWARD ADDR=192.0.2.9", "ETRN x", "FOO",
        "", "QUIT", "MAIL FROM:<broken", "RCPT TO:<broken", "BDAT x", "EHLO",
    ]

    static let states: [(String, [String])] = [
        ("greeted", []),
        ("hello", ["HELLO"]),
        ("mail", ["HELLO", "MAIL FROM:<a@b.example>"]),
        ("rcpt", ["HELLO", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>"]),
        ("refused rcpt", ["HELLO", "MAIL FROM:<a@b.example>", "RCPT TO:<no@d.example>"]),
        ("binary", ["HELLO", "MAIL FROM:<a@b.example> BODY=BINARYMIME", "RCPT TO:<c@d.example>"]),
        ("chunk", ["HELLO", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "BDAT 3\r\na\r\n"]),
        ("after data", ["HELLO", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA", "."]),
        ("refused", ["REFUSED"]),
    ]

    @Test("Each pair of commands in each state", arguments: [Dialect.smtp, .lmtp])
    func all(dialect: Dialect) {
        var settings = ServerSettings()
        settings.dialect = dialect
        settings.offersStartTLS = true
        settings.authentication = AuthenticationSettings()
        settings.authentication?.protection = .optional
        settings.authentication?.maxFailures = .max
        let profile = ServerProfile(settings)
        for (name, setup) in EveryCommandTests.states {
            for first in EveryCommandTests.commands {
                for second in EveryCommandTests.commands {
                    let host = prepare(profile, setup)
                    for command in [first, second] where host.closed == nil {
                        let reply = send(command, to: host)
                        if !isLegal(reply) { Issue.record("\(name): \(command) gave \(reply.debugDescription)") }
                    }
                    recovers(host, "\(name): \(first), \(second)")
                }
            }
        }
    }

    private func prepare(_ profile: ServerProfile, _ setup: [String]) -> ScriptedHost {
        let host = ScriptedHost(profile, permissions: [.xclient, .xforward])
        host.rules = [.init(stage: "rcpt", argument: "<no@d.example>", reply: .unknownRecipient)]
        if setup == ["REFUSED"] { host.rules.append(.init(stage: "connect", argument: "192.0.2.1:40000", reply: Reply(554, nil, "No"))) }
        host.run()
        _ = host.takeOutput()
        for line in setup where line != "REFUSED" {
            if line.hasSuffix("\r\n") { host.send(Array(line.utf8)) } else {
                _ = host.send(line == "HELLO" ? (host.dialect == .lmtp ? "LHLO a.example" : "EHLO a.example") : line)
            }
        }
        return host
    }

    private func send(_ command: String, to host: ScriptedHost) -> String {
        // Chunks bring their octets along.
        let reply = command.hasSuffix("\r\n") ? host.send(Array(command.utf8)) : host.send(command)
        return reply.hasPrefix("354") ? reply + host.send("x\r\n.") : reply
    }

    private func isLegal(_ reply: String) -> Bool {
        let lines = reply.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        return !lines.isEmpty && reply.hasSuffix("\r\n") && lines.allSatisfy { line in
            guard let code = Int(line.prefix(3)), (200...599).contains(code) else { return false }
            return line.utf8.count <= 510 && (line.dropFirst(3).first == " " || line.dropFirst(3).first == "-")
        }
    }

    private func recovers(_ host: ScriptedHost, _ place: String) {
        guard host.closed == nil else { return }
        let reply = host.send("RSET")
        guard !reply.hasPrefix("503") else { return }
        #expect(reply.hasPrefix("250 2.0.0"), "\(place): \(reply)")
        #expect(!host.isInTransaction && host.recipientCount == 0, "\(place)")
        let count = host.stored.count
        for line in [host.dialect == .lmtp ? "LHLO z.example" : "EHLO z.example", "MAIL FROM:<z@b.example>", "RCPT TO:<z@d.example>", "DATA", "."] {
            _ = host.send(line)
        }
        #expect(host.stored.count == count + 1, "\(place)")
        #expect(host.stored.last?.recipients.count == 1, "\(place)")
    }
}
