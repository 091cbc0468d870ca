import MessageFormat
import Ports
@testable import SMTP

/// The client session against a server that says anything at any time.
let clientTarget = FuzzTarget(
    name: "client", maxLength: 500,
    seeds: [
        dialog([.greeting, .ehlo, .ok, .ok, .goAhead, .ok, .bye]), dialog([.greeting, .ehloPlain, .ok, .refused, .ok, .goAhead, .tooMany]),
        dialog([.greeting, .ehloTLS, .greeting, .ehlo, .ok, .ok, .goAhead, .deferred]), dialog([.greeting, .ehlo, .ok, .ok, .ok, .goAhead, .ok, .refused], settings: 1),
        dialog([.greeting, .ehlo, .ok, .ok, .refused, .ok, .ok]), dialog([.greeting, .ehlo, .ok, .closing]), dialog([.raw, .pause, .end]),
    ],
    words: ["250-", "354 ", "421 ", "\r\n", "250 STARTTLS\r\n", "250-PIPELINING\r\n"]) { bytes in
    var input = FuzzInput(bytes)
    var run = ClientRun(&input)
    while !input.isEmpty, run.end == nil { run.hear(&input) }
    run.finish()
}

/// What a server may do.
private enum Hearing: UInt8, CaseIterable {
    case greeting, ehlo, ehloPlain, ehloTLS, ehloLimits, ok, goAhead, refused, deferred, tooMany, closing, bye, multiline, raw, pause, end, wrongCode, split
}

private func dialog(_ hearings: [Hearing], settings: UInt8 = 0) -> [UInt8] {
    [settings, 2, 1] + hearings.flatMap { $0 == .raw ? [$0.rawValue, 3, 0x32, 0x32, 0x30] : [$0.rawValue] }
}

/// Made once: parsing them is not what is fuzzed here.
private let mailboxes: [ForwardPath] = ["c@d.example", "\"a b\"@[192.0.2.1]", "é@d.example", "x@bücher.example"].compactMap {
    (try? EmailAddress(parsing: $0)).map(ForwardPath.mailbox)
} + [.postmaster]

/// A host that sends what it has, and holds the session to its promises.
private struct ClientRun: ~Copyable {
    private var session: ClientSession
    private var now = Timestamp(seconds: 1_000_000)
    private var sent: [UInt8] = []
    private var begun: [ClientTransaction] = []
    private var results: [TransactionResult] = []
    private var left: [ClientTransaction] = []
    /// Bodies that went out whole, by transaction.
    private var whole: Set<Int> = []
    private var bodyParts = 0
    private(set) var end: ClientEnd?

    init(_ input: inout FuzzInput) {
        let choice = input.octet()
        var settings = ClientSettings()
        settings.startTLS = choice & 2 != 0 ? .required : choice & 4 != 0 ? .never : .whenOffered
        settings.eightBitHandling = choice & 8 != 0 ? .bounce : .sendAsIs
        settings.maxRecipients = 3
        session = ClientSession(dialect: choice & 1 == 1 ? .lmtp : .smtp, heloName: "me.example", settings: settings, at: now)
        for _ in 0..<(input.octet() & 3) {
            let kind = input.octet()
            let recipients = (0...Int(kind & 3)).map { index in
                var recipient = ClientRecipient(mailboxes[(index + Int(kind >> 2)) % mailboxes.count])
                if kind & 64 != 0 {
                    recipient.parameters.notify = .delay
                    recipient.parameters.originalRecipient = OriginalRecipient(addressType: "utf-8", address: "é@x")
                }
                return recipient
            }
            var transaction = ClientTransaction(reversePath: .null, recipients: recipients, size: 10)
            transaction.body = kind & 16 != 0 ? .binaryMIME : kind & 32 != 0 ? .eightBitMIME : .sevenBit
            transaction.smtpUTF8 = kind & 128 != 0
            transaction.envelopeID = kind & 64 != 0 ? "a b+c" : nil
            left.append(transaction)
        }
        go()
    }

    mutating func hear(_ input: inout FuzzInput) {
        guard let hearing = Hearing(rawValue: input.octet() % UInt8(Hearing.allCases.count)) else { return }
        switch hearing {
        case .greeting: receive("220 mx.example\r\n")
        case .ehlo: receive("250-mx.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-DSN\r\n250 SIZE 100\r\n")
        case .ehloPlain: receive("250-mx.example\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250 SIZE\r\n")
        case .ehloTLS: receive("250-mx.example\r\n250-STARTTLS\r\n250 PIPELINING\r\n")
        case .ehloLimits: receive("250-mx.example\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=1 MAILMAX=2 RCPTDOMAINMAX=1\r\n")
        case .ok: receive("250 2.0.0 OK\r\n")
        case .goAhead: receive("354 go\r\n")
        case .refused: receive("550 5.1.1 no\r\n")
        case .deferred: receive("451 4.3.0 later\r\n")
        case .tooMany: receive("452 4.5.3 too many\r\n")
        case .closing: receive("421 4.3.2 closing\r\n")
        case .bye: receive("221 bye\r\n")
        case .multiline: receive("250-a\r\n250-\r\n250\r\n")
        case .wrongCode: receive("250-a\r\n251 b\r\n")
        case .raw: receive(input.run())
        case .split:
            // Two replies in pieces of one octet.
            let text = input.flag() ? "250 OK\r\n354 go\r\n" : "250 OK\r\n250 OK\r\n"
            for octet in text.utf8 where end == nil { receive([octet]) }
        case .pause:
            now = now + .minutes(Int64(input.octet()))
            go()
        case .end:
            session.endOfInput(input.flag() ? nil : .reset)
            go()
        }
    }

    private mutating func receive(_ text: String) { receive(text.octets) }

    private mutating func receive(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { session.receive($0) }
        go()
    }

    private mutating func go() {
        for _ in 0..<2000 {
            let action = session.next(at: now)
            switch action {
            case .needInput:
                check(session.deadline < .distantFuture, "a wait without end")
                return collect()
            case .ready:
                check(results.count == begun.count, "ready with \(begun.count - results.count) transactions open")
                guard session.canBegin, !left.isEmpty else {
                    session.quit(at: now)
                    continue
                }
                begin()
            case .needBody:
                check(session.deadline < .distantFuture, "a body without end")
                supply()
            case .finished(let result): take(result)
            case .startTLS:
                check(!session.isEncrypted, "TLS within TLS")
                collect()
                session.tlsEstablished(at: now)
            case .close(let end):
                self.end = end
                return collect()
            }
        }
        fail("the session does not come to rest")
    }

    private mutating func begin() {
        guard let transaction = left.popLast() else { return }
        begun.append(transaction)
        session.begin(transaction, at: now)
    }

    private mutating func supply() {
        // The next transaction rides behind the final dot where that is allowed.
        if session.canBegin, !left.isEmpty { begin() }
        bodyParts += 1
        let isLast = bodyParts % 2 == 0
        if isLast { whole.insert(results.count) }
        session.send(body: "a\n.\n.b\r".octets, isLast: isLast, at: now)
    }

    private mutating func take(_ result: TransactionResult) {
        check(results.count < begun.count, "a result for no transaction")
        let transaction = begun[results.count]
        check(result.recipients.count == transaction.recipients.count, "\(result.recipients.count) answers for \(transaction.recipients.count) recipients")
        for answer in result.recipients {
            if case .accepted(let reply) = answer {
                check(reply.isSuccess, "accepted with \(reply)")
                check(whole.contains(results.count), "accepted before the message was sent")
            }
            if case .unknown = answer { check(whole.contains(results.count), "unknown before the message was sent") }
        }
        if !whole.contains(results.count) { bodyParts = 0 }
        results.append(result)
    }

    private mutating func collect() {
        sent += session.takeOutput()
    }

    /// The server goes away: every transaction gets its result, and what was sent is made of lines.
    mutating func finish() {
        if end == nil {
            session.endOfInput(nil)
            go()
        }
        check(end != nil, "a session that does not end")
        check(results.count == begun.count, "\(begun.count) transactions, \(results.count) results")
        for transaction in begun where transaction.body == .binaryMIME { return }
        var previous: UInt8 = 0
        for octet in sent {
            check(octet != 0x0a || previous == 0x0d, "a bare LF is sent")
            check(previous != 0x0d || octet == 0x0a, "a bare CR is sent")
            previous = octet
        }
    }
}
