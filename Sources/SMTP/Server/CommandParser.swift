import MessageFormat

/// Why a line is no command, as the reply that says so.
struct CommandError: Error, Hashable {
    var reply: Reply

    init(_ reply: Reply) { self.reply = reply }
}

/// Parses command lines (RFC 5321 §4.1.1).
struct CommandParser: Sendable {
    typealias Line = UnsafeBufferPointer<UInt8>
    typealias Word = Slice<UnsafeBufferPointer<UInt8>>

    /// Reads the paths of MAIL and RCPT.
    var paths: PathParser

    /// Splits the first word off `line` and tells its verb; nil when it is no known word.
    func verb(of line: Line) -> (verb: Verb?, argument: Word) {
        let end = line.firstIndex(of: Octet.space) ?? line.endIndex
        return (Verb(line[..<end]), CommandParser.trimmed(line[end...]))
    }

    /// Parses the argument of `verb`.
    func parse(_ verb: Verb, _ argument: Word) throws(CommandError) -> Command {
        switch verb {
        case .mail: return .mail(try mail(argument))
        case .rcpt: return .rcpt(try rcpt(argument))
        case .ehlo: return .hello(.ehlo, name: try helloName(argument))
        case .helo: return .hello(.helo, name: try helloName(argument))
        case .lhlo: return .hello(.lhlo, name: try helloName(argument))
        case .data: return try withoutArgument(.data, argument)
        case .rset: return try withoutArgument(.rset, argument)
        case .quit: return try withoutArgument(.quit, argument)
        case .starttls: return try withoutArgument(.startTLS, argument)
        case .bdat: return try bdat(argument)
        case .noop: return .noop
        case .help: return .help
        case .vrfy: return try withString(.vrfy, argument)
        case .expn: return try withString(.expn, argument)
        case .auth: return try auth(argument)
        case .xclient: return .xclient(try attributes(argument, ClientAttribute.xclientNames))
        case .xforward: return .xforward(try attributes(argument, ClientAttribute.xforwardNames))
        case .other: return .notOffered
        case .http: return .http
        }
    }

    static func trimmed(_ word: Word) -> Word {
        var word = word
        while word.first == Octet.space { word = word.dropFirst() }
        while word.last == Octet.space { word = word.dropLast() }
        return word
    }

    private func withoutArgument(_ command: Command, _ argument: Word) throws(CommandError) -> Command {
        guard argument.isEmpty else { throw CommandError(.badArgument) }
        return command
    }

    private func withString(_ command: Command, _ argument: Word) throws(CommandError) -> Command {
        guard !argument.isEmpty, !argument.elementsEqual([0x22, 0x22]) else { throw CommandError(.missingArgument) }
        return command
    }

    /// The longest name that EHLO may carry (RFC 5321 §4.5.3.1.2).
    private static let helloOctetsMax = 255

    /// A domain or address literal; underscores too, which many hosts have in their names.
    private func helloName(_ argument: Word) throws(CommandError) -> String {
        guard !argument.isEmpty, argument.count <= CommandParser.helloOctetsMax, argument.allSatisfy({ octet in
            switch octet {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"): true
            default: false
            }
        }) else { throw CommandError(.badHello) }
        return String(decoding: argument, as: UTF8.self)
    }

    private func bdat(_ argument: Word) throws(CommandError) -> Command {
        let words = argument.split(separator: Octet.space)
        guard let first = words.first, let size = Decimal.parse(first), words.count <= 2 else { throw CommandError(.badArgument) }
        guard words.count == 2 else { return .bdat(size: size, isLast: false) }
        guard let last = words.last, last.equalsKeyword("LAST") else { throw CommandError(.badArgument) }
        return .bdat(size: size, isLast: true)
    }

    /// The longest name of a mechanism; registered ones exceed the 20 octets of RFC 4422 §3.1.
    private static let mechanismOctetsMax = 64

    private static func isMechanismOctet(_ octet: UInt8) -> Bool {
        switch octet {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private func auth(_ argument: Word) throws(CommandError) -> Command {
        let words = argument.split(separator: Octet.space)
        guard let mechanism = words.first, words.count <= 2 else { throw CommandError(.missingArgument) }
        guard mechanism.count <= CommandParser.mechanismOctetsMax, mechanism.allSatisfy(CommandParser.isMechanismOctet) else {
            throw CommandError(.badArgument)
        }
        let response = words.count == 2 ? words.last.map(Array.init) : nil
        return .auth(mechanism: String(decoding: mechanism, as: UTF8.self).uppercased(), initialResponse: response)
    }
}
