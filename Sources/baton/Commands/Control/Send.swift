import ArgumentParser
import Control
import Glibc
import MessageFormat
import SMTP
import Sockets

/// `baton send`, also as `sendmail`: hands a message of a local program to the daemon.
struct SendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Send the message on standard input, as sendmail does.",
        discussion: SendmailArguments.help)

    @Argument(parsing: .captureForPassthrough, help: "Options and recipients as sendmail has them; see `baton send --help`.")
    var arguments: [String] = []

    func run() throws {
        let parsed: SendmailArguments
        do throws(SendmailArguments.Mistake) {
            parsed = try SendmailArguments(arguments)
        } catch {
            printError("baton send: \(TerminalText.safe(error.description)); `baton send --help` lists the options")
            throw ExitCode(EX_USAGE)
        }
        switch parsed.mode {
        case .help: print(SendmailArguments.help)
        case .rebuildAliases: break
        case .list: try QueueList.parse(SendCommand.controlArguments(parsed)).run()
        case .flush: try QueueFlush.parse(SendCommand.controlArguments(parsed)).run()
        case .smtp: try Injector(parsed).speak()
        case .send: try Injector(parsed).send()
        }
    }

    private static func controlArguments(_ arguments: SendmailArguments) -> [String] {
        (arguments.config.map { ["--config", $0] } ?? []) + (arguments.isJSON ? ["--json"] : [])
    }

    /// The arguments of the program as this program's own: invoked as `sendmail`, `mailq` or `newaliases` it is `baton send`.
    static func arguments(of commandLine: [String]) -> [String] {
        let rest = Array(commandLine.dropFirst())
        switch commandLine.first?.split(separator: "/").last {
        case "sendmail": return ["send"] + rest
        case "mailq": return ["send", "-bp"] + rest
        case "newaliases": return ["send", "-bi"]
        default: return rest
        }
    }
}

/// Brings one message to the daemon, or to the maildrop while there is none.
private struct Injector {
    let arguments: SendmailArguments
    let submit: String
    let maildrop: Maildrop

    /// Most octets read from standard input; the daemon's own limit is lower.
    private static let maxInput = 512 << 20

    init(_ arguments: SendmailArguments) {
        self.arguments = arguments
        // Reading the configuration costs more than the rest: only where something is left open.
        var configured: ConfiguredSockets?
        if arguments.socket == nil || arguments.maildrop == nil { configured = ConfiguredSockets.read(arguments.config) }
        submit = arguments.socket ?? configured?.submit ?? ""
        maildrop = Maildrop(directory: arguments.maildrop ?? configured?.maildrop ?? "")
    }

    /// `-bs`.
    func speak() throws {
        do throws(LocalStream.Failure) {
            try SubmitClient(path: submit) { clock.now }.pipe(input: STDIN_FILENO, output: STDOUT_FILENO)
        } catch {
            print("421 4.3.2 Baton is not running\r\n", terminator: "")
            throw temporary("nothing answers at \(submit)")
        }
    }

    /// `-bm`.
    func send() throws {
        let input = try readInput()
        let client: SubmitClient
        do throws(LocalStream.Failure) {
            client = try SubmitClient(path: submit) { clock.now }
        } catch {
            switch error {
            case .notListening: return try leave(try message(input, host: ownName()))
            case .notAllowed: throw temporary("you may not use \(submit)")
            case .timedOut, .ended, .system: throw temporary("\(submit) cannot be used now")
            }
        }
        do {
            let answers = try client.send(helloName: ownName(), trace: { if arguments.isVerbose { print($0) } }) { host throws(LocalMessage.Mistake) in
                try LocalMessage(arguments, input: input, user: userName(), host: host)
            }
            try tell(answers)
        } catch let mistake as LocalMessage.Mistake {
            throw complain(mistake)
        } catch let refusal as SubmitRefusal {
            throw temporary("Baton takes no mail now: \(refusal.reply.description)")
        } catch let failure as LocalStream.Failure {
            throw temporary("the connection to \(submit) broke (\(failure))")
        }
    }

    private let clock = ProcessClock()

    private func tell(_ answers: [SubmitClient.Answer]) throws {
        var isTemporary = false
        var code = EX_OK
        for answer in answers {
            let name = TerminalText.safe(answer.recipient.description)
            switch answer.answer {
            case .accepted(let reply):
                if arguments.isVerbose { print("\(name): \(TerminalText.safe(reply.description))") }
            case .refused(let reply, _), .unsuitable(let reply), .tooManyRecipients(let reply?):
                printError("baton send: \(name): \(TerminalText.safe(reply.description))")
                if reply.isTransient { isTemporary = true }
                code = reply.enhanced?.subject == 1 ? EX_NOUSER : EX_UNAVAILABLE
            case .tooManyRecipients(nil), .broken, .unknown, .notTried:
                printError("baton send: \(name): the connection to \(submit) broke; send it again")
                isTemporary = true
            }
        }
        if isTemporary { throw ExitCode(EX_TEMPFAIL) }
        if code != EX_OK { throw ExitCode(code) }
    }

    private func leave(_ message: LocalMessage) throws {
        do throws(Maildrop.Failure) {
            try maildrop.leave(message, random: SystemRandomSource())
        } catch {
            throw temporary("Baton is not running (nothing answers at \(submit)), and the message cannot be left for its next start: \(error.description)")
        }
        if arguments.isVerbose { print("Baton is not running: the message waits in \(maildrop.directory) for its next start.") }
    }

    private func message(_ input: [UInt8], host: String) throws -> LocalMessage {
        do throws(LocalMessage.Mistake) {
            return try LocalMessage(arguments, input: input, user: userName(), host: host)
        } catch {
            throw complain(error)
        }
    }

    private func complain(_ mistake: LocalMessage.Mistake) -> ExitCode {
        printError("baton send: \(mistake.description)")
        switch mistake {
        case .noRecipients: return ExitCode(EX_USAGE)
        case .address, .header: return ExitCode(EX_DATAERR)
        }
    }

    private func temporary(_ reason: String) -> ExitCode {
        printError("baton send: \(TerminalText.safe(reason)); the message was not sent: try again")
        return ExitCode(EX_TEMPFAIL)
    }

    private func readInput() throws -> [UInt8] {
        var input: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw temporary("standard input: \(String(cString: strerror(errno)))") }
            if count == 0 { return input }
            // Without this a terminal would have to be closed to end a message.
            if endsAtDot(&input, adding: buffer[..<count]) { return input }
            guard input.count <= Injector.maxInput else {
                printError("baton send: the message is larger than \(Injector.maxInput) octets")
                throw ExitCode(EX_DATAERR)
            }
        }
    }

    private func endsAtDot(_ input: inout [UInt8], adding bytes: ArraySlice<UInt8>) -> Bool {
        input += bytes
        guard !arguments.ignoresDots, isatty(STDIN_FILENO) == 1 else { return false }
        return input.suffix(3) == [0x0a, 0x2e, 0x0a] || input == [0x2e, 0x0a]
    }

    private func userName() -> String {
        guard let entry = getpwuid(getuid()) else { return "uid\(getuid())" }
        return String(cString: entry.pointee.pw_name)
    }

    private func ownName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (try? Domain(parsing: text))?.ascii ?? "localhost"
    }
}
