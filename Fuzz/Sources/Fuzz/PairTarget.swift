import MessageFormat
import Ports
@testable import SMTP

/// Our client and our server on one wire: what the client believes was taken is what the server took.
let pairTarget = FuzzTarget(
    name: "pair", maxLength: 1200,
    seeds: [
        [0, 1, 3, 2, 0, 0, 5] + "Subject: x\r\n\r\nhi\r\n.\r\n..a".octets, [1, 2, 5, 3, 7, 0, 1, 2] + "a\n.\nb\r.\r\nMAIL FROM:<e@x.example>\r\n".octets,
        [16, 3, 2, 1, 0, 6, 5, 4] + "binary\u{0}\r\n".octets,
    ],
    words: ["\r\n.\r\n", "\n.\n", "\r.\r", "MAIL FROM:<e@x.example>\r\n"]) { bytes in
    var input = FuzzInput(bytes)
    var pair = Pair(&input)
    pair.run()
}

/// Profiles by the choice of settings.
private let pairProfiles: [ServerProfile] = (0..<16).map { choice in
    var settings = ServerSettings()
    settings.dialect = choice & 1 == 1 ? .lmtp : .smtp
    settings.largeMessageThreshold = 64
    settings.headerLimits = HeaderLimits(octets: 256, fields: 20)
    settings.maxMessageSize = 2000
    settings.maxRecipients = 2 + choice >> 2
    settings.offersStartTLS = choice & 2 != 0
    settings.hardErrorLimit = 100
    settings.softErrorLimit = 100
    return ServerProfile(settings)
}

private struct Pair: ~Copyable {
    private var client: ClientSession
    private var server: ServerSession
    private let now = Timestamp(seconds: 1_000_000)
    private var toServer: [UInt8] = []
    private var toClient: [UInt8] = []
    private let cuts: [UInt8]
    private var cut = 0
    private let verdicts: [UInt8]
    private var questions = 0
    private let body: [UInt8]
    private let isBinary: Bool
    private let partSize: Int
    private var left: Int
    private var begun = 0
    private var offset = 0
    private var chunks: [[UInt8]] = []
    /// For each message that the server took: the recipients that it promised to care for.
    private var taken: [Int] = []
    private var believed: [Int] = []
    private var end: ClientEnd?
    private var isServerClosed = false

    init(_ input: inout FuzzInput) {
        let choice = input.octet()
        let dialect: Dialect = choice & 1 == 1 ? .lmtp : .smtp
        isBinary = choice & 16 != 0
        var clientSettings = ClientSettings()
        clientSettings.startTLS = .whenOffered
        left = Int(input.octet() & 3)
        partSize = 1 + Int(input.octet())
        cuts = input.take(Int(input.octet() & 7))
        verdicts = input.take(Int(input.octet() & 15))
        body = input.rest()
        let identity = ClientIdentity(endpoint: .ip(.v4(0xc000_0201), port: 40_000), localEndpoint: .ip(.loopback, port: 25))
        let key = Int(choice >> 6) << 2 | (choice & 8 != 0 ? 2 : 0) | Int(choice & 1)
        server = ServerSession(pairProfiles[key], client: identity)
        client = ClientSession(dialect: dialect, heloName: "me.example", settings: clientSettings, at: now)
    }

    mutating func run() {
        for _ in 0..<50_000 {
            goServer()
            goClient()
            if end != nil { break }
            let moved = move()
            if !moved {
                // Nobody has anything to say: that must not happen.
                fail("both sides wait: \(client.state) \(server.phase)")
            }
        }
        check(end != nil, "the dialog does not end")
        check(taken == believed, "the server took \(taken), the client believes \(believed)")
    }

    /// Carries a piece each way.
    private mutating func move() -> Bool {
        guard !toServer.isEmpty || !toClient.isEmpty else { return false }
        func size(_ count: Int) -> Int {
            cuts.isEmpty ? count : min(count, max(1, Int(cuts[cut % cuts.count])))
        }
        if !toServer.isEmpty {
            let count = size(toServer.count)
            toServer[..<count].withUnsafeBytes { server.receive($0) }
            toServer.removeFirst(count)
        }
        if !toClient.isEmpty {
            let count = size(toClient.count)
            toClient[..<count].withUnsafeBytes { client.receive($0) }
            toClient.removeFirst(count)
        }
        cut += 1
        return true
    }

    private mutating func verdict() -> UInt8 {
        defer { questions += 1 }
        return verdicts.isEmpty ? 0 : verdicts[questions % verdicts.count] & 7
    }

    private mutating func goServer() {
        while !isServerClosed {
            switch server.next(at: now) {
            case .needInput, .waiting:
                toClient += server.takeOutput()
                return
            case .flush: toClient += server.takeOutput()
            case .decide(let question):
                if case .recipient = question, verdict() >= 6 {
                    server.decided(.reject(questions & 1 == 0 ? .unknownRecipient : .tooManyRecipients))
                } else {
                    server.decided(.accept)
                }
            case .chunk(let part):
                chunks.append(part)
                server.chunkTaken()
            case .commit(let message): commit(message)
            case .abandon: chunks = []
            case .startTLS:
                toClient += server.takeOutput()
                check(toServer.isEmpty, "the client says more before TLS")
                server.tlsEstablished(TLSSummary(version: .v1_3))
            case .close:
                toClient += server.takeOutput()
                isServerClosed = true
            }
        }
    }

    private mutating func commit(_ message: ReceivedMessage) {
        let whole = chunks.flatMap { $0 } + message.body
        chunks = []
        check(message.mail.reversePath == .null, "a message that nobody sent: \(message.mail.reversePath)")
        check(whole == (isBinary ? body : mended(body)), "the message is changed on its way")
        let isTaken = verdict() < 6
        if server.profile.settings.dialect == .lmtp {
            let replies = message.recipients.map { _ in verdict() < 6 ? Reply.messageOK : .queueFailed }
            taken.append(replies.count { $0.isSuccess })
            server.committed(.each(replies))
        } else {
            if isTaken { taken.append(message.recipients.count) }
            server.committed(.all(isTaken ? .messageOK : .queueFailed))
        }
        if taken.last == 0 { taken.removeLast() }
    }

    private mutating func goClient() {
        while end == nil {
            switch client.next(at: now) {
            case .needInput:
                toServer += client.takeOutput()
                if isServerClosed, toClient.isEmpty { client.endOfInput(nil) } else { return }
            case .ready:
                if left > 0, client.canBegin { begin() } else { client.quit(at: now) }
            case .needBody:
                if left > 0, client.canBegin { begin() }
                let next = min(body.count, offset + partSize)
                client.send(body: body[offset..<next], isLast: next == body.count, at: now)
                offset = next == body.count ? 0 : next
            case .finished(let result):
                let count = result.recipients.count { if case .accepted = $0 { true } else { false } }
                for answer in result.recipients {
                    if case .unknown = answer { fail("nobody broke the connection") }
                    if case .broken(let failure, let stage) = answer { fail("\(failure) at \(stage)") }
                }
                offset = 0
                if count > 0 { believed.append(count) }
            case .startTLS:
                toServer += client.takeOutput()
                client.tlsEstablished(at: now)
            case .close(let end):
                toServer += client.takeOutput()
                self.end = end
            }
        }
    }

    private mutating func begin() {
        left -= 1
        begun += 1
        let names = ["c@d.example", "e@d.example", "f@g.example"]
        let recipients = names.prefix(1 + begun % 3).compactMap { try? EmailAddress(parsing: $0) }.map { ClientRecipient(.mailbox($0)) }
        var transaction = ClientTransaction(reversePath: .null, recipients: recipients)
        transaction.body = isBinary ? .binaryMIME : .eightBitMIME
        client.begin(transaction, at: now)
    }
}
