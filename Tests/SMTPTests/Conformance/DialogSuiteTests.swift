import Foundation
import MessageFormat
import Ports
import SMTP
import Testing

/// The suite smtp-dialogs: chasquid's dialogs, compared by reply code as its README says.
@Suite(.enabled(if: Suites.has("smtp-dialogs"), "suite smtp-dialogs is absent: set BATON_SUITES"))
struct DialogSuiteTests {
    /// The account of the suite.
    private static let user = "user@testserver"

    /// Where Baton answers with another code of the same class, and why.
    static let exceptions: [String: String] = [
        "auth_multi_dialog": "504 instead of 534 for a mechanism that is not known (RFC 4954 §4)",
        "auth_not_tls": "538 instead of 503 without TLS (RFC 4954 §6)",
        "bad_data_dot": "554 instead of 521: the session goes on after a bare line break",
        "bad_data_dot_2": "554 instead of 521: the session goes on after a bare line break",
        "bad_data_dot_on_message_too_big": "552 instead of 521: the size is told first",
        "bad_mail_from": "501 for a path that cannot be read",
        "bad_rcpt_to": "501 for a path that cannot be read",
        "line_too_long": "the dialog ends without a line end: no reply before it",
    ]

    @Test("Dialogs", arguments: [
        "auth_multi_dialog", "auth_not_tls", "auth_too_many_failures",
        "bad_data", "bad_data_dot", "bad_data_dot_2", "bad_data_dot_on_message_too_big", "bad_mail_from", "bad_rcpt_to",
        "data_dot_stuffing", "empty_helo", "helo", "line_too_long", "message_too_big", "sendmail", "unknown_command", "wrong_proto",
    ])
    func dialog(name: String) throws {
        let text = String(decoding: try Suites.data("smtp-dialogs/chasquid/\(name).cmy"), as: UTF8.self)
        var host = connect(isTLS: text.contains("tls_connect"))
        var said = host.takeOutput()
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) where line.hasPrefix("c") {
            let rest = line.dropFirst(2)
            if rest.hasPrefix("tcp_connect") || rest.hasPrefix("tls_connect") {
                host = connect(isTLS: rest.hasPrefix("tls"))
                said = host.takeOutput()
            }
            else if rest == "close" { continue }
            else if rest.hasPrefix("->") { said += host.send(Array((rest.dropFirst(3) + "\r\n").utf8)) }
            else if rest.hasPrefix("~>") { said += host.send(try python(rest.dropFirst(3))) }
            else if rest.hasPrefix("<...") { expect(String(rest.dropFirst(5).prefix(3)), &said, name, whole: true) }
            else if rest.hasPrefix("<") { expect(String(rest.dropFirst(3).prefix(3)), &said, name, whole: false) }
            else { Issue.record("\(name): \(line)") }
        }
        if Suites.has("smtp-dialogs/chasquid/\(name).cmy.verify") {
            let wanted = String(decoding: try Suites.data("smtp-dialogs/chasquid/\(name).cmy.verify"), as: UTF8.self)
            let body = try #require(host.stored.last?.body)
            #expect(trimmed(String(decoding: body, as: UTF8.self).replacing("\r\n", with: "\n")) == trimmed(wanted))
        }
    }

    private func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .newlines) }

    private func connect(isTLS: Bool) -> ScriptedHost {
        var settings = ServerSettings()
        settings.authentication = AuthenticationSettings()
        settings.brackets = .optional
        settings.malformedHeaderPolicy = .refuse
        settings.maxMessageSize = 1 << 20
        let host = ScriptedHost(settings, isTLS: isTLS)
        host.answers = { request in
            request == .password(name: DialogSuiteTests.user, Secret("secretpassword"))
                ? .accepted(AuthenticatedAccount(name: DialogSuiteTests.user, senders: .any)) : nil
        }
        host.run()
        return host
    }

    private func expect(_ code: String, _ said: inout String, _ name: String, whole: Bool) {
        guard let end = said.firstRange(of: "\r\n") else {
            if DialogSuiteTests.exceptions[name] == nil { Issue.record("\(name): expected \(code), got nothing") }
            return
        }
        let line = said[..<end.lowerBound]
        if DialogSuiteTests.exceptions[name] == nil { #expect(line.hasPrefix(code), "\(name): \(line)") }
        #expect(line.prefix(1) == code.prefix(1), "\(name): \(line)")
        said = line.dropFirst(3).first == "-" || whole ? afterReply(said) : String(said[end.upperBound...])
    }

    private func afterReply(_ said: String) -> String {
        var rest = said[...]
        while let end = rest.firstRange(of: "\r\n") {
            let line = rest[..<end.lowerBound]
            rest = rest[end.upperBound...]
            if line.dropFirst(3).first != "-" { break }
        }
        return String(rest)
    }

    /// The few Python expressions of the suite: `'text'`, `'x' * 3 + '\r\n'`, `(…) * 4`.
    private func python(_ expression: Substring) throws -> [UInt8] {
        var tokens = expression[...]
        func sum() throws -> [UInt8] {
            var value = try product()
            while skip("+") { value += try product() }
            return value
        }
        func product() throws -> [UInt8] {
            var value = try atom()
            while skip("*") {
                let digits = tokens.prefix { $0.isNumber }
                tokens = tokens.dropFirst(digits.count)
                value = Array(repeatElement(value, count: try #require(Int(digits))).joined())
            }
            return value
        }
        func atom() throws -> [UInt8] {
            if skip("(") {
                let value = try sum()
                #expect(skip(")"))
                return value
            }
            #expect(skip("'"))
            let text = tokens.prefix { $0 != "'" }
            tokens = tokens.dropFirst(text.count + 1)
            return Array(text.replacing("\\r", with: "\r").replacing("\\n", with: "\n").utf8)
        }
        func skip(_ word: Character) -> Bool {
            tokens = tokens.drop { $0 == " " }
            guard tokens.first == word else { return false }
            tokens = tokens.dropFirst().drop { $0 == " " && word != "'" }
            return true
        }
        return try sum()
    }
}
