import MessageFormat

extension CommandParser {
    /// `FROM:<reverse-path> parameters`.
    func mail(_ argument: Word) throws(CommandError) -> MailCommand {
        guard let rest = afterKeyword("FROM", argument) else { throw CommandError(.badSyntax) }
        let path: ReversePath
        let end: Int
        do { (path, end) = try paths.reversePath(in: UnsafeBufferPointer(rebasing: rest).span) } catch {
            throw CommandError(Reply.badReversePath.explained(by: error))
        }
        var command = MailCommand(reversePath: path, isInternational: CommandParser.isInternational(rest.prefix(end)))
        try read(rest.dropFirst(end), otherwise: .badReversePath) { (name, value) throws(CommandError) in
            try CommandParser.read(name, value, into: &command.parameters)
        }
        return command
    }

    /// `TO:<forward-path> parameters`.
    func rcpt(_ argument: Word) throws(CommandError) -> RcptCommand {
        guard let rest = afterKeyword("TO", argument) else { throw CommandError(.badSyntax) }
        let path: ForwardPath
        let end: Int
        do { (path, end) = try paths.forwardPath(in: UnsafeBufferPointer(rebasing: rest).span) } catch {
            throw CommandError(Reply.badForwardPath.explained(by: error))
        }
        var command = RcptCommand(forwardPath: path, isInternational: CommandParser.isInternational(rest.prefix(end)))
        try read(rest.dropFirst(end), otherwise: .badForwardPath) { (name, value) throws(CommandError) in
            try CommandParser.read(name, value, into: &command.parameters)
        }
        return command
    }

    private static func isInternational(_ path: Word) -> Bool {
        UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: path)).hasHighBit(in: 0..<path.count)
    }

    /// What follows `keyword` and a colon; blanks around the colon are forgiven, since many clients send them.
    private func afterKeyword(_ keyword: StaticString, _ argument: Word) -> Word? {
        guard let colon = argument.firstIndex(of: UInt8(ascii: ":")),
              CommandParser.trimmed(argument[..<colon]).equalsKeyword(keyword) else { return nil }
        return CommandParser.trimmed(argument[(colon + 1)...])
    }

    /// Splits ` NAME=VALUE NAME…` and hands each to `take`; `reply` is the answer when no blank comes first.
    private func read(_ text: Word, otherwise reply: Reply,
                      _ take: (_ name: Word, _ value: Word?) throws(CommandError) -> Void) throws(CommandError) {
        guard !text.isEmpty else { return }
        guard text.first == Octet.space else { throw CommandError(reply) }
        for word in text.split(separator: Octet.space) {
            let equals = word.firstIndex(of: UInt8(ascii: "="))
            let name = word[..<(equals ?? word.endIndex)]
            try take(name, equals.map { word[($0 + 1)...] })
        }
    }

    /// The longest ENVID (RFC 3461 §4.4) and ORCPT (§4.2), as they stand in the command.
    private static let envelopeIDOctetsMax = 100
    private static let originalRecipientOctetsMax = 500

    /// Reads one parameter of MAIL; a name that comes twice is an error (RFC 3461 §4.3, §4.4).
    private static func read(_ name: Word, _ value: Word?, into parameters: inout MailParameters) throws(CommandError) {
        if name.equalsKeyword("SIZE") {
            guard parameters.size == nil, let value, !value.isEmpty, value.count <= 20,
                  value.allSatisfy({ (0x30...0x39).contains($0) }) else { throw CommandError(.badParameter) }
            parameters.size = Decimal.parse(value) ?? .max
        } else if name.equalsKeyword("BODY") {
            guard parameters.body == nil, let value, let body = BodyType(value) else { throw CommandError(.badParameter) }
            parameters.body = body
        } else if name.equalsKeyword("SMTPUTF8") {
            guard value == nil else { throw CommandError(.badParameter) }
            parameters.smtpUTF8 = true
        } else if name.equalsKeyword("RET") {
            guard parameters.ret == nil, let value, let ret = ReturnContent(value) else { throw CommandError(.badParameter) }
            parameters.ret = ret
        } else if name.equalsKeyword("ENVID") {
            guard parameters.envelopeID == nil, let value, !value.isEmpty, value.count <= envelopeIDOctetsMax,
                  let text = XText.decode(value), isPrintableASCII(text) else { throw CommandError(.badParameter) }
            parameters.envelopeID = text
        } else if name.equalsKeyword("REQUIRETLS") {
            guard value == nil else { throw CommandError(.badParameter) }
            parameters.requireTLS = true
        } else if name.equalsKeyword("AUTH") {
            guard parameters.auth == nil, let value, !value.isEmpty else { throw CommandError(.badParameter) }
            guard !value.equalsKeyword("<>") else { parameters.auth = ""; return }
            guard let text = XText.decode(value) else { throw CommandError(.badParameter) }
            parameters.auth = text
        } else {
            throw CommandError(.unsupportedParameter)
        }
    }

    /// Reads one parameter of RCPT; a name that comes twice is an error (RFC 3461 §4.1, §4.2).
    private static func read(_ name: Word, _ value: Word?, into parameters: inout RcptParameters) throws(CommandError) {
        if name.equalsKeyword("NOTIFY") {
            guard parameters.notify == nil, let value, let notify = NotifyConditions(value) else { throw CommandError(.badParameter) }
            parameters.notify = notify
        } else if name.equalsKeyword("ORCPT") {
            guard parameters.originalRecipient == nil, let value, value.count <= originalRecipientOctetsMax,
                  let recipient = OriginalRecipient(wire: value) else { throw CommandError(.badParameter) }
            parameters.originalRecipient = recipient
        } else {
            throw CommandError(.unsupportedParameter)
        }
    }

    private static func isPrintableASCII(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    }
}

extension Reply {
    /// The reply with the reason added; all reasons are constants.
    func explained(by error: AddressError) -> Reply {
        Reply(code, enhanced, text + ": " + error.description)
    }
}
