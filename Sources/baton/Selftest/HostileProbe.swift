import Glibc

/// One attempt at a server, and what came of it.
struct HostileProbe: Sendable {
    /// What came of an attempt.
    enum Result {
        case resisted(String)
        case finding(String)
        case skipped(String)
    }

    /// The row of the checklist in HOSTILE.md.
    let row: String
    let name: String
    let run: @Sendable (HostileTarget) -> Result
}

/// The server that is probed.
struct HostileTarget {
    let host: String
    let port: UInt16
    /// A recipient that the server takes mail for.
    let recipient: String
    /// Whether this host may relay there, so that what a stranger must not do proves nothing.
    let isTrusted: Bool

    /// How long silence means that nothing more comes.
    var silenceMilliseconds: Int32 = 400
    /// Between octets that are sent with pauses.
    var pauseMilliseconds: UInt32 = 300

    /// A connection that has been greeted; nil when there is none to be had.
    func connect() -> HostileClient? {
        // A server that limits connections a minute is to be waited for, not found wanting.
        for _ in 0..<HostileTarget.maxTries {
            guard let client = HostileClient(host: host, port: port) else { return nil }
            let greeting = client.answer()
            if greeting.code == 220 { return client }
            guard greeting.code == 421 else { return nil }
            usleep(5_000_000)
        }
        return nil
    }

    private static let maxTries = 15

    /// A connection that has said EHLO, and what was offered to it.
    func hello() -> (client: HostileClient, offer: [String])? {
        guard let client = connect() else { return nil }
        guard case .reply(250, let text) = client.say("EHLO selftest.invalid") else { return nil }
        return (client, text.split(separator: "\n").map { $0.uppercased() })
    }

    /// A connection with a sender and a recipient.
    func transaction() -> HostileClient? {
        guard let client = hello()?.client, client.say("MAIL FROM:<>").code == 250, client.say("RCPT TO:<\(recipient)>").code == 250 else {
            return nil
        }
        return client
    }
}

extension HostileProbe {
    /// Runs all probes against `target`, then sees whether the server still lives.
    static func runAll(_ target: HostileTarget) -> SelftestReport {
        var report = SelftestReport()
        guard target.hello() != nil else {
            report.lines.append(SelftestLine(row: "", name: "greeting and EHLO", outcome: .finding, detail: "no SMTP server answers"))
            return report
        }
        let probes = smuggling + transactions + syntax + sizes + doors
        for probe in probes {
            let (outcome, detail): (SelftestLine.Outcome, String) = switch probe.run(target) {
            case .resisted(let detail): (.ok, detail)
            case .finding(let detail): (.finding, detail)
            case .skipped(let detail): (.skipped, detail)
            }
            report.lines.append(SelftestLine(row: probe.row, name: probe.name, outcome: outcome, detail: detail))
        }
        let lives = target.hello() != nil
        report.lines.append(SelftestLine(row: "", name: "still serves after all this", outcome: lives ? .ok : .finding,
                                         detail: lives ? "EHLO answered" : "no answer to EHLO"))
        return report
    }

    /// A probe that needs a transaction.
    static func inTransaction(_ row: String, _ name: String, _ run: @escaping @Sendable (HostileClient) -> Result) -> HostileProbe {
        inTransaction(row, name) { client, _ in run(client) }
    }

    /// A probe that needs a transaction and knows the target.
    static func inTransaction(_ row: String, _ name: String,
                              _ run: @escaping @Sendable (HostileClient, HostileTarget) -> Result) -> HostileProbe {
        HostileProbe(row: row, name: name) { target in
            guard let client = target.transaction() else {
                return .skipped("no transaction to <\(target.recipient)>: name a recipient with --recipient")
            }
            return run(client, target)
        }
    }

    /// A probe that needs EHLO only.
    static func afterHello(_ row: String, _ name: String, _ run: @escaping @Sendable (HostileClient, [String]) -> Result) -> HostileProbe {
        HostileProbe(row: row, name: name) { target in
            guard let (client, offer) = target.hello() else { return .finding("no answer to EHLO") }
            return run(client, offer)
        }
    }

    /// Whether the dialog is still in step: NOOP has one answer, its own.
    static func isInStep(_ client: HostileClient) -> Bool {
        guard client.say("NOOP").code == 250 else { return false }
        return client.answer(waitMilliseconds: 100) == .silence
    }
}
