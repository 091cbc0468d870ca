import MessageFormat
import SMTP

/// The command line of sendmail, as programs have used it for forty years.
public struct SendmailArguments: Hashable, Sendable {
    /// What is to be done.
    public enum Mode: Hashable, Sendable {
        /// `-bm`, the default: send the message on standard input.
        case send
        /// `-bs`: speak SMTP on standard input and output.
        case smtp
        /// `-bp`: list the queue, as `mailq` does.
        case list
        /// `-bi`: rebuild the alias table, as `newaliases` does; Baton's is part of its configuration.
        case rebuildAliases
        /// `-q`: try everything now.
        case flush
        /// `--help`.
        case help
    }

    /// What is wrong with a command line.
    public struct Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        /// What is wrong.
        public let description: String
    }

    /// What is to be done.
    public var mode = Mode.send
    /// `-t`: recipients are read from To, Cc and Bcc too.
    public var readsRecipients = false
    /// `-i`, `-oi`: a line with a lone dot does not end the message.
    public var ignoresDots = false
    /// `-f`, `-r`: the reverse-path as given; empty for the null one.
    public var sender: String?
    /// `-F`: the name of the sender for a From field that is missing.
    public var fullName: String?
    /// `-N`.
    public var notify: NotifyConditions?
    /// `-R`.
    public var returnContent: ReturnContent?
    /// `-V`.
    public var envelopeID: String?
    /// `-v`: tell what happens.
    public var isVerbose = false
    /// `--json`.
    public var isJSON = false
    /// `--socket`: where the daemon takes mail.
    public var socket: String?
    /// `--maildrop`: where mail is left while the daemon is down.
    public var maildrop: String?
    /// `--config`: the file that names both.
    public var config: String?
    /// The recipients on the command line.
    public var recipients: [String] = []

    /// Parses the arguments after the program's name.
    public init(_ arguments: some Sequence<String>) throws(Mistake) {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                recipients += rest
                return
            } else if argument.hasPrefix("--") {
                try takeLong(argument, &rest)
            } else if argument.hasPrefix("-"), argument.count > 1 {
                try takeShort(argument, &rest)
            } else {
                recipients.append(argument)
            }
        }
    }

    private mutating func takeLong(_ argument: String, _ rest: inout ArraySlice<String>) throws(Mistake) {
        let parts = argument.split(separator: "=", maxSplits: 1)
        func value() throws(Mistake) -> String {
            if parts.count == 2 { return String(parts[1]) }
            guard let next = rest.popFirst() else { throw Mistake(description: "\(argument) needs a value") }
            return next
        }
        switch parts.first {
        case "--socket": socket = try value()
        case "--maildrop": maildrop = try value()
        case "--config": config = try value()
        case "--json": isJSON = true
        case "--help": mode = .help
        default: throw Mistake(description: "unknown option \(argument)")
        }
    }

    private mutating func takeShort(_ argument: String, _ rest: inout ArraySlice<String>) throws(Mistake) {
        let letter = argument.dropFirst().first ?? "-"
        let attached = String(argument.dropFirst(2))
        func value() throws(Mistake) -> String {
            if !attached.isEmpty { return attached }
            guard let next = rest.popFirst() else { throw Mistake(description: "-\(letter) needs a value") }
            return next
        }
        switch letter {
        case "b": try takeMode(attached)
        case "f", "r": sender = try value()
        case "F": fullName = try value()
        case "N": notify = try parse(try value(), "-N", "never, or success, failure and delay joined by commas") { NotifyConditions($0.utf8) }
        case "R": returnContent = try parse(try value(), "-R", "full or hdrs") { ReturnContent($0.utf8) }
        case "V": envelopeID = try value()
        case "q": mode = .flush
        case "o": try takeOption(attached.isEmpty ? try value() : attached)
        // Options of other programs that have a value and no meaning here.
        case "A", "B", "C", "D", "d", "h", "L", "O", "p", "X": if attached.isEmpty, "BCDhLOpX".contains(letter) { _ = try value() }
        case "t", "i", "v", "n", "m", "U", "G", "I", "s", "c", "e", "x": try takeFlags(argument.dropFirst())
        default: throw Mistake(description: "unknown option \(argument)")
        }
    }

    /// Flags without a value may be joined: `-ti`.
    private mutating func takeFlags(_ letters: Substring) throws(Mistake) {
        for letter in letters {
            switch letter {
            case "t": readsRecipients = true
            case "i": ignoresDots = true
            case "v": isVerbose = true
            case "I": mode = .rebuildAliases
            // `-em` and its kind say how errors are told; here always on standard error and by the exit code.
            case "e", "p", "q", "w": break
            case "n", "m", "U", "G", "s", "c", "x": break
            default: throw Mistake(description: "unknown option -\(letter)")
            }
        }
    }

    private mutating func takeMode(_ letters: String) throws(Mistake) {
        switch letters {
        case "m", "": mode = .send
        case "s": mode = .smtp
        case "p": mode = .list
        case "i": mode = .rebuildAliases
        default: throw Mistake(description: "-b\(letters) is not a mode of Baton: it knows -bm, -bs, -bp and -bi")
        }
    }

    private mutating func takeOption(_ text: String) throws(Mistake) {
        switch text {
        case "i", "iTrue": ignoresDots = true
        case "v": isVerbose = true
        default: break  // How other programs deliver, log or wait: Baton's way is in its configuration.
        }
    }

    private func parse<Value>(_ text: String, _ option: String, _ expected: String,
                              _ parse: (String) -> Value?) throws(Mistake) -> Value {
        guard let value = parse(text) else { throw Mistake(description: "\(option) \(text): expected \(expected)") }
        return value
    }

    /// The help text.
    public static let help = """
        USAGE: baton send [OPTIONS] [RECIPIENT …]   (also as sendmail)
        Sends the message on standard input.

          -t                take recipients from To, Cc and Bcc as well
          -i, -oi           a line with a lone dot does not end the message
          -f ADDRESS        the envelope sender; <> for none
          -F NAME           your name, for a From field that the message lacks
          -N CONDITIONS     when to notify: never, or success,failure,delay
          -R full|hdrs      how much of the message a failure notice returns
          -V ID             an envelope id that notices will carry
          -v                tell what happens
          -bs               speak SMTP on standard input and output
          -bp, -q, -bi      list the queue; try everything now; nothing (newaliases)
          --socket PATH     where Baton takes mail
          --maildrop DIR    where mail is left while Baton is down
          --config FILE     the configuration that names both

        Bcc fields are removed. While Baton is down the message is left in the maildrop
        and taken up at the next start. Ends with 0 when Baton answers for the message,
        75 when it should be tried again, 64, 65, 67 or 69 as in sysexits.h otherwise.
        """
}
