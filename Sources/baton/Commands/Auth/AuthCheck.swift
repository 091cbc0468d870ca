import ArgumentParser
import Control
import DNS
import Glibc
import MailAuth
import MessageFormat
import Ports
import Sockets

/// `baton auth check`: SPF, DKIM, DMARC and ARC of one message or of many, with the reasons.
struct AuthCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check whose mail a message is, and say why.",
        discussion: """
            Prints the results of SPF, DKIM, ARC and DMARC, every DNS question with its answer, and the \
            Authentication-Results field. Without --ip SPF is not checked; without MESSAGE only SPF is. With --batch, \
            one JSON request a line comes in on standard input and one answer a line goes out, in the same order; \
            docs/AUTHENTICATION.md has the members.
            """)

    @Option(help: "The address of the client that sent the message.")
    var ip: String?

    @Option(help: "The name that the client gave with HELO or EHLO.")
    var helo = ""

    @Option(name: .customLong("from"), help: "The reverse-path (MAIL FROM); empty for the null path.")
    var reversePath = ""

    @Argument(help: "The file of the message; - is standard input. A lone LF becomes CRLF.")
    var message: String?

    @Flag(help: "Print JSON for programs instead of text for people.")
    var json = false

    @Flag(help: "Read requests as lines of JSON from standard input.")
    var batch = false

    @OptionGroup var environment: AuthEnvironment

    func validate() throws {
        if batch, message != nil || ip != nil { throw ValidationError("--batch takes address and message from its input lines") }
        if !batch, message == nil, ip == nil { throw ValidationError("give a MESSAGE, or --ip with --helo and --from, or --batch") }
    }

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        do throws(AuthRequestError) {
            let engine = try environment.engine()
            defer { engine.close() }
            if batch { return AuthBatch(engine: engine, zone: try environment.zoneResolver(), at: try environment.time()).run() }
            try checkOne(engine)
        } catch {
            printError(TerminalText.safe(error.description))
            throw ExitCode(EX_DATAERR)
        }
    }

    private func checkOne(_ engine: AuthEngine) throws(AuthRequestError) {
        var request = AuthRequest()
        request.helo = helo
        request.reversePath = AuthRequest.path(reversePath)
        if let ip {
            do throws(JSONMembers.Failure) { request.client = try AuthRequest.address(ip) } catch { throw AuthRequestError("--ip: \(error)") }
        }
        request.message = try message.map { path throws(AuthRequestError) in AuthRequest.withCRLF(try CommandFile.read(path)) }
        request.zone = try environment.zoneResolver()
        request.at = try environment.time()
        let outcome = try engine.check(request)
        if json {
            var line: [UInt8] = []
            AuthCheckJSON(report: outcome.report, service: environment.service).objectWithQuestions(outcome.asked).append(to: &line)
            CommandFile.write(line + [0x0a])
        } else {
            let text = AuthCheckText(report: outcome.report, asked: outcome.asked, service: environment.service)
            print(text.lines.joined(separator: "\n"))
        }
    }
}

/// What stands in for network, clock and name of the host.
struct AuthEnvironment: ParsableArguments {
    @Option(help: "A zone file that answers DNS instead of the network; docs/CONFIGURATION.md has the format.")
    var zone: String?

    @Option(help: "The time of the check instead of now: Unix seconds, or such as 2026-11-21T18:59:15Z.")
    var at: String?

    @Option(name: .customLong("authserv-id"), help: "The name in the Authentication-Results field (default: the name of this host).")
    var givenService: String?

    @Option(help: "A domain whose ARC seals are believed where DMARC fails; may be given several times.")
    var trustedSealer: [String] = []

    /// What the engine is told once.
    func engine() throws(AuthRequestError) -> AuthEngine {
        var settings = MessageAuthentication.Settings()
        for text in trustedSealer {
            guard let domain = try? Domain(parsing: text) else { throw AuthRequestError("--trusted-sealer: \"\(text)\" is not a domain name") }
            settings.trustedSealers.insert(domain)
        }
        return AuthEngine(service: service, settings)
    }

    /// The name in the Authentication-Results field.
    var service: String {
        if let givenService { return givenService }
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0, name[0] != 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The resolver of `--zone`.
    func zoneResolver() throws(AuthRequestError) -> ZoneResolver? {
        guard let zone else { return nil }
        do throws(ZoneError) { return ZoneResolver(try Zone(contentsOf: zone)) } catch { throw AuthRequestError("--zone: \(error)") }
    }

    /// The moment of `--at`.
    func time() throws(AuthRequestError) -> Timestamp? { try AuthEnvironment.time(at) }

    /// The moment that `--at` was given; nil without one.
    static func time(_ at: String?) throws(AuthRequestError) -> Timestamp? {
        guard let at else { return nil }
        if let seconds = Int64(at) { return Timestamp(seconds: seconds) }
        guard let moment = AuthEnvironment.rfc3339(at) else {
            throw AuthRequestError("--at: \"\(at)\" is no time: give Unix seconds, or such as 2026-11-21T18:59:15Z")
        }
        return moment
    }

    /// The moment that `text` tells in UTC as RFC 3339 does, without fractions.
    static func rfc3339(_ text: String) -> Timestamp? {
        let octets = Array(text.utf8)
        let pattern = Array("0000-00-00T00:00:00Z".utf8)
        guard octets.count == pattern.count else { return nil }
        for (octet, mark) in zip(octets, pattern) {
            guard mark == UInt8(ascii: "0") ? (0x30...0x39).contains(octet) : octet == mark else { return nil }
        }
        func number(_ range: Range<Int>) -> Int { octets[range].reduce(0) { $0 * 10 + Int($1 - 0x30) } }
        var parts = tm()
        parts.tm_year = Int32(number(0..<4) - 1900)
        parts.tm_mon = Int32(number(5..<7) - 1)
        parts.tm_mday = Int32(number(8..<10))
        parts.tm_hour = Int32(number(11..<13))
        parts.tm_min = Int32(number(14..<16))
        parts.tm_sec = Int32(number(17..<19))
        guard (0...11).contains(parts.tm_mon), (1...31).contains(parts.tm_mday), parts.tm_hour < 24, parts.tm_min < 60, parts.tm_sec < 61 else { return nil }
        return Timestamp(seconds: Int64(timegm(&parts)))
    }
}
