import MessageFormat
import Ports
@testable import SMTP
import Testing

/// One step of a scripted dialog with a client session.
enum DialogStep: Sendable {
    /// The server sends this.
    case server(String)
    /// The client must have sent exactly this since the last such step.
    case client(String)
    /// The host begins a transaction.
    case begin(ClientTransaction)
    /// The host supplies this when the session asks for the message; the last part ends it.
    case body([String])
    /// The host supplies this now, and more to come.
    case part(String)
    /// The host cannot supply the rest.
    case abandon
    /// The server closes, or the connection breaks.
    case closed(ConnectionError?)
    /// Time passes.
    case wait(Duration)
    /// The TLS handshake succeeds.
    case tls
    /// The host says QUIT.
    case quit
}

/// How the bytes of the server are cut up.
enum DialogDelivery: Sendable, CustomTestStringConvertible {
    case whole
    case byteByByte
    case cut(at: Int)

    var testDescription: String {
        switch self {
        case .whole: "whole"
        case .byteByByte: "byte by byte"
        case .cut(let offset): "cut at \(offset)"
        }
    }
}

/// What came of a dialog.
struct DialogOutcome: Equatable {
    var results: [TransactionResult] = []
    var end: ClientEnd?
    var isReady = false
}

/// Runs dialogs against a client session.
struct ClientDialog: ~Copyable {
    var session: ClientSession
    var now = Timestamp(seconds: 1_000_000)
    var outcome = DialogOutcome()
    private var bodies: [[String]] = []
    private var sent: [UInt8] = []
    private var offset = 0
    private let delivery: DialogDelivery

    init(_ dialect: Dialect, _ settings: ClientSettings, _ delivery: DialogDelivery) {
        session = ClientSession(dialect: dialect, heloName: "me.example", settings: settings, at: now)
        self.delivery = delivery
    }

    /// Runs `steps` whole, byte by byte, and cut at every offset of what the server sends; all must end alike.
    static func run(_ steps: [DialogStep], dialect: Dialect = .smtp, settings: ClientSettings = ClientSettings(),
                    sourceLocation: SourceLocation = #_sourceLocation) -> DialogOutcome {
        var octets = 0
        for case .server(let text) in steps { octets += text.utf8.count }
        let first = run(dialect, settings, steps, .whole, sourceLocation)
        let others = [DialogDelivery.byteByByte] + (0..<min(octets, 3000)).map { .cut(at: $0) }
        for delivery in others {
            let other = run(dialect, settings, steps, delivery, sourceLocation)
            #expect(other == first, "\(delivery.testDescription)", sourceLocation: sourceLocation)
            if other != first { break }
        }
        return first
    }

    private static func run(_ dialect: Dialect, _ settings: ClientSettings, _ steps: [DialogStep],
                            _ delivery: DialogDelivery, _ sourceLocation: SourceLocation) -> DialogOutcome {
        var dialog = ClientDialog(dialect, settings, delivery)
        for step in steps { dialog.perform(step, sourceLocation) }
        let rest = String(decoding: dialog.sent, as: UTF8.self)
        #expect(rest.isEmpty, "not expected", sourceLocation: sourceLocation)
        return dialog.outcome
    }

    private mutating func perform(_ step: DialogStep, _ sourceLocation: SourceLocation) {
        switch step {
        case .server(let text):
            for piece in cut(Array(text.utf8)) {
                piece.withUnsafeBytes { session.receive($0) }
                pump()
            }
        case .client(let expected):
            let text = String(decoding: sent, as: UTF8.self)
            #expect(text == expected, "\(delivery.testDescription)", sourceLocation: sourceLocation)
            sent.removeAll()
        case .begin(let transaction):
            let canBegin = session.canBegin
            #expect(canBegin, "\(delivery.testDescription)", sourceLocation: sourceLocation)
            guard canBegin else { return }
            session.begin(transaction, at: now)
            pump()
        case .body(let parts):
            bodies.append(parts)
            pump()
        case .part(let text):
            session.send(body: Array(text.utf8), isLast: false, at: now)
            pump()
        case .abandon: session.abandonBody(); pump()
        case .closed(let error): session.endOfInput(error); pump()
        case .wait(let duration): now = now + duration; pump()
        case .tls: session.tlsEstablished(at: now); pump()
        case .quit: session.quit(at: now); pump()
        }
    }

    private mutating func cut(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        let start = offset
        offset += bytes.count
        switch delivery {
        case .whole: return [bytes[...]]
        case .byteByByte: return bytes.indices.map { bytes[$0...$0] }
        case .cut(let at):
            guard at > start, at < offset else { return [bytes[...]] }
            return [bytes[..<(at - start)], bytes[(at - start)...]]
        }
    }

    private mutating func pump() {
        loop: while true {
            switch session.next(at: now) {
            case .needInput: break loop
            case .ready:
                outcome.isReady = true
                break loop
            case .needBody:
                guard var parts = bodies.first else { break loop }
                let part = parts.removeFirst()
                if parts.isEmpty { bodies.removeFirst() } else { bodies[0] = parts }
                session.send(body: Array(part.utf8), isLast: parts.isEmpty, at: now)
            case .finished(let result): outcome.results.append(result)
            case .startTLS: break loop
            case .close(let end):
                outcome.end = end
                break loop
            }
        }
        sent += session.takeOutput()
    }
}

extension ClientTransaction {
    /// From a@x.example to these mailboxes.
    static func test(_ recipients: String..., from: String = "a@x.example", size: Int? = nil) -> ClientTransaction {
        ClientTransaction(reversePath: .mailbox(mailbox(from)),
                          recipients: recipients.map { ClientRecipient(.mailbox(mailbox($0))) }, size: size)
    }

    /// The same with changes.
    func with(_ change: (inout ClientTransaction) -> Void) -> ClientTransaction {
        var copy = self
        change(&copy)
        return copy
    }
}

/// A mailbox that the tests know to be right.
func mailbox(_ text: String) -> EmailAddress {
    do { return try EmailAddress(parsing: text) } catch { fatalError("\(text): \(error)") }
}

/// The opening of a session up to the first transaction, with these keywords.
func opening(_ keywords: String..., hello: String = "EHLO") -> [DialogStep] {
    let lines = ["mx.example"] + keywords
    let reply = lines.enumerated().map { "250\($0.offset == lines.count - 1 ? " " : "-")\($0.element)\r\n" }.joined()
    return [.server("220 mx.example ESMTP\r\n"), .client("\(hello) me.example\r\n"), .server(reply)]
}
