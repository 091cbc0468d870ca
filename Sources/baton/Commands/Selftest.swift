import ArgumentParser
import Configuration
import Glibc
import Ports

/// `baton selftest`: tries what must not be possible.
struct SelftestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest", abstract: "Try what must not be possible: on a running server, or in the sandbox.",
        discussion: """
            With --hostile, a running server gets what attackers have sent to others: smuggled ends of messages, chunks that do not \
            count, commands behind STARTTLS, addresses that are programs, relay requests. It sends some messages to the recipient. \
            Whether strangers may relay is seen from a stranger's address only: where this host may relay, --source, --xclient \
            or --proxy give it another. \
            With --sandbox, this process gives up what the daemon of the configuration gives up, and tries it. \
            The status is 1 when there is a finding. HOSTILE.md lists the rows.
            """)

    @Option(help: "Probe the server at HOST:PORT.")
    var hostile: String?

    @Option(help: "A recipient that the server takes mail for.")
    var recipient = "postmaster"

    @Flag(help: "This host may relay there: skip what proves something for strangers only. Seen by itself on private networks.")
    var trusted = false

    @Option(help: ArgumentHelp("Connect from this address of the host.", valueName: "address"))
    var source: String?

    @Option(help: ArgumentHelp("Pretend this client address by XCLIENT.", valueName: "address"))
    var xclient: String?

    @Option(help: ArgumentHelp("Pretend this client address by a PROXY header.", valueName: "address"))
    var proxy: String?

    @Flag(name: .shortAndLong, help: "Print every probe and what was seen.")
    var verbose = false

    @Flag(help: "Try the sandbox of the configuration.")
    var sandbox = false

    @Option(name: .shortAndLong, help: "The configuration file, for --sandbox.")
    var config = "/etc/baton/baton.yaml"

    @Flag(help: "One JSON object a line.")
    var json = false

    func validate() throws {
        guard (hostile != nil) != sandbox else { throw ValidationError("say either --hostile HOST:PORT or --sandbox") }
        if let hostile, SelftestCommand.endpoint(hostile) == nil { throw ValidationError("expected HOST:PORT, found '\(hostile)'") }
        for case let text? in [source, xclient, proxy] where IPAddress(text) == nil {
            throw ValidationError("expected an IP address, found '\(text)'")
        }
        guard xclient == nil || proxy == nil else { throw ValidationError("say either --xclient or --proxy") }
        guard recipient.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ">") }) else {
            throw ValidationError("expected an address, found '\(recipient)'")
        }
    }

    func run() throws {
        let report: SelftestReport
        if let hostile, let (host, port) = SelftestCommand.endpoint(hostile) {
            var target = HostileTarget(host: host, port: port, recipient: recipient)
            target.mayRelay = trusted ? "--trusted" : nil
            target.source = source
            target.pretended = xclient.map { .xclient($0) } ?? proxy.map { .proxy($0) }
            if isatty(STDERR_FILENO) != 0 { printError("probing \(hostile) for about half a minute") }
            report = HostileProbe.runAll(target)
        } else {
            report = SandboxProbes.run(try loadConfiguration(config), path: config)
        }
        print(json ? report.json : verbose || sandbox ? report.details : report.table, terminator: "")
        if report.hasFindings { throw ExitCode.failure }
    }

    /// `host:port` and `[v6]:port`.
    static func endpoint(_ text: String) -> (host: String, port: UInt16)? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.isEmpty ? nil : (String(host), port)
    }
}
