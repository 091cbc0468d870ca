import MessageFormat
import Ports
import SMTP

/// Hands messages to the daemon over its submit socket, which speaks SMTP: sizes, DSN and errors are those of SMTP.
public struct SubmitClient {
    /// What became of a recipient.
    public struct Answer: Sendable {
        /// The recipient.
        public var recipient: EmailAddress
        /// What the daemon answered.
        public var answer: RecipientAnswer
    }

    private let stream: LocalStream
    private let now: () -> Timestamp

    /// Longest wait for one answer, as for a client on the network (RFC 5321 §4.5.3.2.6).
    private static let timeoutSeconds: Int32 = 600

    /// Connects to the socket at `path`.
    public init(path: String, now: @escaping () -> Timestamp) throws(LocalStream.Failure) {
        stream = try LocalStream(path: path, timeoutSeconds: SubmitClient.timeoutSeconds)
        self.now = now
    }

    /// Lets another program speak SMTP with the daemon.
    public func pipe(input: Int32, output: Int32) throws(LocalStream.Failure) { try stream.pipe(input: input, output: output) }

    /// Sends the message that `make` gives once the daemon has told its name; `trace` sees the lines of the dialog.
    public func send(helloName: String, trace: (String) -> Void,
                     _ make: (_ host: String) throws(LocalMessage.Mistake) -> LocalMessage) throws -> [Answer] {
        var settings = ClientSettings()
        settings.maxRecipients = 1000
        var session = ClientSession(dialect: .smtp, heloName: helloName, settings: settings, at: now())
        var message: LocalMessage?
        var waiting: [EmailAddress] = []
        var underWay: [EmailAddress] = []
        var answers: [Answer] = []
        while true {
            switch session.next(at: now()) {
            case .needInput:
                try flush(&session, trace)
                let bytes = try stream.read()
                if bytes.isEmpty { session.endOfInput(nil) }
                tell(bytes, "S: ", trace)
                bytes.withUnsafeBytes { session.receive($0) }
            case .ready:
                if message == nil {
                    let made = try make(SubmitClient.host(in: session.greeting))
                    waiting = made.recipients
                    message = made
                }
                guard let message, !waiting.isEmpty else {
                    session.quit(at: now())
                    continue
                }
                underWay = waiting
                waiting = []
                session.begin(SubmitClient.transaction(message, underWay), at: now())
            case .needBody: session.send(body: message?.content ?? [], isLast: true, at: now())
            case .finished(let result):
                for (recipient, answer) in zip(underWay, result.recipients) {
                    // More recipients than one transaction takes go into the next one, as long as that gets anywhere.
                    if case .tooManyRecipients = answer, result.recipients.contains(where: \.isAccepted) {
                        waiting.append(recipient)
                    } else {
                        answers.append(Answer(recipient: recipient, answer: answer))
                    }
                }
            case .startTLS: session.endOfInput(nil)
            case .close(let end):
                try? flush(&session, trace)
                if message == nil, case .refused(let reply, _) = end { throw SubmitRefusal(reply: reply) }
                if message == nil { throw LocalStream.Failure.ended }
                return answers + waiting.map { Answer(recipient: $0, answer: .notTried) }
            }
        }
    }

    private func flush(_ session: inout ClientSession, _ trace: (String) -> Void) throws(LocalStream.Failure) {
        let output = session.takeOutput()
        guard !output.isEmpty else { return }
        tell(output, "C: ", trace)
        try stream.write(output)
    }

    private func tell(_ bytes: [UInt8], _ prefix: String, _ trace: (String) -> Void) {
        // A body is no dialog.
        guard bytes.count < 4096 else { return trace(prefix + "(\(bytes.count) octets)") }
        for line in bytes.split(separator: 0x0a) {
            let text = String(decoding: line.last == 0x0d ? line.dropLast() : line, as: UTF8.self)
            trace(prefix + TerminalText.safe(text))
        }
    }

    private static func host(in greeting: Reply?) -> String {
        greeting?.lines.first?.split(separator: " ").first.map(String.init) ?? "localhost"
    }

    private static func transaction(_ message: LocalMessage, _ recipients: [EmailAddress]) -> ClientTransaction {
        var parameters = RcptParameters()
        parameters.notify = message.notify
        let list = recipients.map { ClientRecipient(.mailbox($0), parameters: parameters) }
        var transaction = ClientTransaction(reversePath: message.reversePath, recipients: list, size: message.content.count)
        transaction.body = message.isEightBit ? .eightBitMIME : .sevenBit
        transaction.smtpUTF8 = message.needsSMTPUTF8
        transaction.returnContent = message.returnContent
        transaction.envelopeID = message.envelopeID
        return transaction
    }
}

/// The daemon does not take mail from this client now.
public struct SubmitRefusal: Error, Hashable, Sendable {
    /// Its reply.
    public var reply: Reply
}

extension RecipientAnswer {
    /// Whether the daemon answers for the message to this recipient.
    public var isAccepted: Bool {
        if case .accepted = self { true } else { false }
    }
}
