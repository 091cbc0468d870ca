import Ports

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

extension HostileProbe {
    /// What the rows of the checklist are about.
    static let titles = [
        "1": "False ends of a message", "4": "BDAT that fails, then DATA", "5": "A refused message leaves no transaction",
        "6": "VRFY, EXPN and NOOP within a transaction", "7": "Chunks that lie about their size", "8": "Clear text at STARTTLS",
        "12": "Server names that are none", "13": "Other protocols", "14": "Shell commands in addresses", "15": "Options and templates in addresses",
        "16": "Line ends and controls in parameters", "17": "SQL in addresses", "24": "Addresses within addresses", "26": "Sizes without end",
        "27": "SASL that is no base64", "28": "PROXY and XCLIENT from strangers", "32": "Unknown recipients", "relay": "Open relaying",
    ]

    /// Runs all probes against `target`, then sees whether the server still lives.
    static func runAll(_ target: HostileTarget) -> SelftestReport {
        var target = target
        var report = SelftestReport(titles: titles)
        guard let client = target.hello()?.client else {
            report.lines.append(SelftestLine(row: "", name: "greeting and EHLO", outcome: .finding, detail: target.refusal))
            return report
        }
        if target.mayRelay == nil, target.pretended == nil { (target.mayRelay, report.note) = standing(client) }
        let probes = smuggling + transactions + syntax + sizes + handshakes + doors
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

    /// Whether this client may relay there, and what to say about it.
    ///
    /// A server that relays for a client of its own networks does what it should; one that relays for the internet does not.
    private static func standing(_ client: HostileClient) -> (mayRelay: String?, note: String?) {
        guard client.say("MAIL FROM:<>").code == 250, (200..<300).contains(client.say("RCPT TO:<relay@selftest.invalid>").code),
              let (own, server) = client.addresses, own == server || !(IPAddress(own)?.isPubliclyReachable ?? false) else { return (nil, nil) }
        return ("\(own) may relay there", """
            \(own) may relay there: whether strangers may cannot be seen from it. Try again from elsewhere, or here with
            --source ADDRESS (another address of this host that is no relay network), --xclient ADDRESS or --proxy ADDRESS
            (a stranger's address, such as 198.51.100.7, at a listener that lets this host say so).
            """)
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
