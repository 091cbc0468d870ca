import MessageFormat
import Ports
@testable import SMTP

/// The server session: any commands in any state, any verdicts, at any split, with time passing.
let serverTarget = FuzzTarget(
    name: "server", maxLength: 700,
    seeds: [
        script([.ehlo, .mail, .rcpt, .data, .header, .text, .dot, .quit]), script([.lhlo, .mail, .rcpt, .rcpt, .data, .text, .dot, .quit], settings: 1),
        script([.ehlo, .mailBinary, .rcpt, .chunk, .chunk, .lastChunk, .quit]), script([.ehlo, .startTLS, .ehlo, .mail, .rcpt, .data, .dot], settings: 2),
        script([.ehlo, .mail, .rcpt, .chunk, .rset, .mail, .rcpt, .chunk, .lastChunk]), script([.ehlo, .xclient, .xforward, .mail, .rcpt, .hugeChunk, .data], settings: 4),
        script([.helo, .vrfy, .mail, .help, .rcpt, .noop, .data, .smuggle, .dot, .pause, .quit]), script([.ehlo, .mail, .rcpt, .chunk, .ehlo, .mail, .rcpt, .lastChunk]),
    ]) { bytes in
    let script = ServerScript(bytes)
    let whole = ServerRun(script, cuts: []).result
    for cuts in [[UInt8(1)], script.cuts] where !cuts.isEmpty {
        let split = ServerRun(script, cuts: cuts).result
        check(split == whole, "a split by \(cuts) changes the dialog:\n\(whole)\n\(split)")
    }
    checkReplies(whole.output)
}

/// What a client may say, one element a line or piece of a message.
private enum Saying: UInt8, CaseIterable {
    case ehlo, helo, lhlo, mail, mailBinary, mailUTF8, mailNull, rcpt, rcptDSN, data, chunk, lastChunk, emptyChunk, hugeChunk, overflowingChunk
    case rset, noop, vrfy, expn, help, quit, startTLS, auth, xclient, xforward, http, bareLF, longLine, header, text, dot, smuggle, raw, pause, longPause
    case shutDown, unknown, received, bigChunk
}

private func script(_ sayings: [Saying], settings: UInt8 = 0) -> [UInt8] {
    [settings, 0, 2, 7, 3, 0] + sayings.flatMap { saying -> [UInt8] in
        switch saying {
        case .chunk, .lastChunk: [saying.rawValue, 5, 0x61, 0x62, 0x0d, 0x0a, 0x63]
        case .raw: [saying.rawValue, 2, 0x0d, 0x0a]
        default: [saying.rawValue]
        }
    }
}

/// Profiles by the choice of settings: each takes longer to make than a dialog to run.
private let profiles: [ServerProfile] = (0..<128).map { ServerProfile(serverSettings(choice: UInt8($0))) }

private func serverSettings(choice: UInt8) -> ServerSettings {
    var settings = ServerSettings()
    settings.dialect = choice & 1 == 1 ? .lmtp : .smtp
    settings.offersStartTLS = choice & 2 != 0
    if choice & 16 != 0 { settings.nulPolicy = .keep }
    if choice & 32 != 0 { settings.malformedHeaderPolicy = .refuse }
    if choice & 64 != 0 { settings.brackets = .optional }
    // Small limits, so that small inputs reach them.
    settings.maxMessageSize = 600
    settings.largeMessageThreshold = 40
    settings.headerLimits = HeaderLimits(octets: 40, fields: 4)
    settings.maxCommandLine = 200
    settings.maxTextLine = 60
    settings.maxRecipients = 3
    settings.maxMessages = 4
    settings.maxHops = 2
    settings.softErrorLimit = 4
    settings.hardErrorLimit = 8
    settings.maxJunkCommands = 4
    if choice & 128 != 0 {
        settings.authentication = AuthenticationSettings()
        settings.authentication?.mechanisms = SASLMechanism.allCases
        settings.authentication?.protection = .optional
        settings.authentication?.maxResponse = 100
    }
    return settings
}

private struct ServerScript {
    enum Step {
        case bytes([UInt8])
        case pause(Duration)
        case shutDown
    }

    let profile: ServerProfile
    var settings: ServerSettings { profile.settings }
    var permissions: Permissions = []
    var isTLS = false
    /// Bits that say what the host answers, read again and again.
    var verdicts: [UInt8]
    var cuts: [UInt8]
    var steps: [Step] = []

    init(_ bytes: [UInt8]) {
        var input = FuzzInput(bytes)
        let choice = input.octet()
        profile = profiles[Int(choice & 127)]
        if choice & 4 != 0 { permissions = [.xclient, .xforward] }
        isTLS = choice & 8 != 0
        verdicts = input.take(Int(input.octet() & 15))
        cuts = input.take(Int(input.octet() & 7))
        while !input.isEmpty {
            guard let saying = Saying(rawValue: input.octet() % UInt8(Saying.allCases.count)) else { continue }
            add(saying, &input)
        }
    }

    private mutating func add(_ saying: Saying, _ input: inout FuzzInput) {
        func line(_ text: String) -> [UInt8] { Array((text + "\r\n").utf8) }
        let bytes: [UInt8]
        switch saying {
        case .ehlo: bytes = line("EHLO a.example")
        case .helo: bytes = line("HELO a.example")
        case .lhlo: bytes = line("LHLO a.example")
        case .mail: bytes = line("MAIL FROM:<a@b.example> SIZE=100")
        case .mailBinary: bytes = line("MAIL FROM:<a@b.example> BODY=BINARYMIME")
        case .mailUTF8: bytes = line("MAIL FROM:<é@b.example> SMTPUTF8 BODY=8BITMIME")
        case .mailNull: bytes = line("MAIL FROM:<>")
        case .rcpt: bytes = line("RCPT TO:<c@d.example>")
        case .rcptDSN: bytes = line("RCPT TO:<Postmaster> NOTIFY=NEVER ORCPT=rfc822;x")
        case .data: bytes = line("DATA")
        case .chunk:
            let chunk = input.run()
            bytes = line("BDAT \(chunk.count)") + chunk
        case .lastChunk:
            let chunk = input.run()
            bytes = line("BDAT \(chunk.count) LAST") + chunk
        case .emptyChunk: bytes = line("BDAT 0")
        case .hugeChunk: bytes = line("BDAT 9223372036854775807")
        case .overflowingChunk: bytes = line("BDAT 99999999999999999999")
        case .rset: bytes = line("RSET")
        case .noop: bytes = line("NOOP")
        case .vrfy: bytes = line("VRFY <ü@x>")
        case .expn: bytes = line("EXPN x")
        case .help: bytes = line("HELP")
        case .quit: bytes = line("QUIT")
        case .startTLS: bytes = line("STARTTLS")
        case .auth: bytes = line("AUTH PLAIN AGEAYg==")
        case .xclient: bytes = line("XCLIENT NAME=x.example ADDR=192.0.2.9 PORT=9 HELO=y.example PROTO=ESMTP LOGIN=z")
        case .xforward: bytes = line("XFORWARD NAME=x.example ADDR=[UNAVAILABLE] SOURCE=REMOTE")
        case .http: bytes = line("GET / HTTP/1.1")
        case .bareLF: bytes = Array("NOOP\n".utf8)
        case .longLine: bytes = Array(repeating: 0x61, count: Int(input.octet())) + [0x0d, 0x0a]
        case .header: bytes = line("Subject: s") + line("")
        case .text: bytes = line("some text of forty-two octets in a line, or")
        case .dot: bytes = line(".")
        case .smuggle: bytes = input.pick(["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r\r\n.\r\r\n", "\r\n\0.\r\n", "\r\n.\0\r\n"]).octets
        case .raw: bytes = input.run()
        case .unknown: bytes = line("XYZZY")
        case .received: bytes = line("Received: x")
        case .bigChunk: bytes = line("BDAT 60") + line("Subject: s") + line("") + Array(repeating: 0x61, count: 46)
        case .pause: return steps.append(.pause(.seconds(Int64(input.octet()))))
        case .longPause: return steps.append(.pause(.minutes(6)))
        case .shutDown: return steps.append(.shutDown)
        }
        // What goes out together arrives together, as far as the cuts let it.
        if case .bytes(let before)? = steps.last { steps[steps.count - 1] = .bytes(before + bytes) } else { steps.append(.bytes(bytes)) }
    }
}

private struct ServerResult: Equatable, CustomStringConvertible {
    var output: [UInt8] = []
    var messages: [String] = []
    var end: CloseReason?
    var description: String { "\(String(decoding: output, as: UTF8.self))\(messages) \(String(describing: end))" }
}

/// A host that keeps messages in memory and holds the session to its promises.
private struct ServerRun: ~Copyable {
    private(set) var result = ServerResult()
    private var session: ServerSession
    private let script: ServerScript
    private var now = Timestamp(seconds: 1_000_000)
    private var questions = 0
    /// Pieces of the stream that the host has not read yet, the next one last.
    private var unread: [ArraySlice<UInt8>] = []
    private var chunks: [[UInt8]] = []
    private let partMax: Int

    init(_ script: ServerScript, cuts: [UInt8]) {
        self.script = script
        partMax = max(script.settings.largeMessageThreshold, script.settings.headerLimits.octets)
        let client = ClientIdentity(endpoint: .ip(.v4(0xc000_0201), port: 40_000), localEndpoint: .ip(.loopback, port: 25))
        session = ServerSession(script.profile, client: client, permissions: script.permissions, tls: script.isTLS ? TLSSummary(version: .v1_3) : nil)
        go()
        for step in script.steps where result.end == nil {
            switch step {
            case .bytes(let bytes):
                unread = bytes.cut(by: cuts).reversed()
                while result.end == nil, receive() { go() }
            case .pause(let duration):
                now = now + duration
                session.timerFired(at: now)
                go()
            case .shutDown:
                session.shutDown()
                go()
            }
        }
    }

    private mutating func verdict() -> UInt8 {
        defer { questions += 1 }
        return script.verdicts.isEmpty ? 0 : script.verdicts[questions % script.verdicts.count]
    }

    /// Reads the next piece.
    private mutating func receive() -> Bool {
        guard let piece = unread.popLast() else { return false }
        piece.withUnsafeBytes { session.receive($0) }
        return true
    }

    /// Sometimes more comes in while the host makes up its mind.
    private mutating func ponder() -> UInt8 {
        let verdict = verdict()
        if verdict & 8 != 0 { _ = receive() }
        return verdict & 7
    }

    /// Does what the session says until it waits for input.
    private mutating func go() {
        for _ in 0..<20_000 {
            let action = session.next(at: now)
            switch action {
            case .needInput:
                collect()
                check(session.deadline < .distantFuture, "a wait without end")
                check(session.input.count < max(script.settings.maxCommandLine, 180), "\(session.input.count) octets wait")
                checkBody()
                return
            case .flush: collect()
            case .waiting:
                collect()
                check(session.deadline < .distantFuture, "a wait for nobody")
                now = max(now, session.deadline)
                session.timerFired(at: now)
            case .decide(let question): decide(question)
            case .chunk(let part):
                check(!part.isEmpty && part.count <= partMax, "a part of \(part.count) octets")
                if ponder() == 7 {
                    chunks = []
                    session.chunkRefused(.insufficientStorage)
                } else {
                    chunks.append(part)
                    session.chunkTaken()
                }
            case .commit(let message): commit(message)
            case .abandon:
                check(!chunks.isEmpty, "an abandon of nothing")
                chunks = []
            case .startTLS:
                collect()
                // What came in the clear is void.
                unread = []
                "MAIL FROM:<evil@b.example>\r\n".octets.withUnsafeBytes { session.receive($0) }
                session.tlsEstablished(TLSSummary(version: .v1_2))
                check(session.helloName == nil && !session.isInTransaction && session.input.isEmpty, "something of before TLS is left")
            case .close(let reason):
                collect()
                check(!session.isInTransaction, "a transaction outlives its session")
                result.end = reason
                return
            }
        }
        fail("the session does not come to rest")
    }

    private func checkBody() {
        let held = switch session.transaction {
        case .some(let open): open.body.count
        case .none: 0
        }
        check(held <= partMax, "\(held) octets of a message are held")
    }

    private mutating func collect() {
        result.output += session.takeOutput()
    }

    private mutating func decide(_ question: Question) {
        switch question {
        case .mail: check(!session.isInTransaction, "MAIL within a transaction")
        case .recipient: check(session.isInTransaction, "RCPT outside of a transaction")
        case .authenticate(let request):
            check(!session.isInTransaction && session.identity.login == nil, "AUTH out of turn")
            return session.authenticated(answer(request))
        case .connect, .hello: break
        }
        switch ponder() {
        case 5: session.decided(.reject(Reply(550, .init(5, 7, 1), "no")))
        case 6: session.decided(.reject(Reply(421, .init(4, 7, 1), "not now")))
        case 7: session.decided(.close(Reply(421, .init(4, 7, 1), "go away")))
        default: session.decided(.accept)
        }
    }

    private mutating func answer(_ request: AuthenticationRequest) -> AuthenticationAnswer {
        switch ponder() {
        case 4: .unavailable
        case 5: .refused
        case 6: .challenge([0x61])
        case 7: .close(.tooManyAuthenticationFailures)
        default:
            if case .keys = request {
                .keys(SCRAMKeys(salt: [1], iterations: 1, storedKey: [2], serverKey: [3]), nonce: [0x41])
            } else {
                .accepted(AuthenticatedAccount(name: "user", senders: .any))
            }
        }
    }

    private mutating func commit(_ message: ReceivedMessage) {
        let body = chunks.flatMap { $0 } + message.body
        check(message.isStreamed == !chunks.isEmpty, "parts of another message: \(chunks.count) chunks, streamed \(message.isStreamed)")
        check(message.octets == body.count, "a message of \(message.octets) octets comes in \(body.count)")
        check((1...script.settings.maxRecipients).contains(message.recipients.count), "\(message.recipients.count) recipients")
        check(body.count <= script.settings.maxMessageSize, "a message of \(body.count) octets")
        check(message.receivedCount <= script.settings.maxHops, "\(message.receivedCount) hops")
        if message.mail.parameters.body != .binaryMIME {
            check(message.findings.isDisjoint(with: [.bareCR, .bareLF, .overlongLine]), "bare line breaks are taken")
        }
        chunks = []
        result.messages.append("\(message.mail.reversePath) \(message.recipients.map(\.forwardPath)) \(String(decoding: body, as: UTF8.self).debugDescription) \(message.receivedCount) \(message.protocolName) \(message.helloName) \(message.findings.rawValue) \(message.forwarded?.attributes.count ?? 0)")
        switch ponder() {
        case 6: session.committed(.all(.queueFailed))
        case 7: session.committed(.all(Reply(554, .init(5, 7, 1), "spam")))
        default:
            session.committed(script.settings.dialect == .lmtp
                ? .each(message.recipients.map { _ in verdict() & 7 == 7 ? .queueFailed : .messageOK }) : .all(.messageOK))
        }
    }
}

/// Everything that a server says is replies.
private func checkReplies(_ output: [UInt8]) {
    var parser = ReplyParser()
    for piece in output.cut(by: [200]) {
        piece.withUnsafeBytes { parser.receive($0) }
        do throws(ReplyError) {
            while let reply = try parser.next() { check(reply.code < 600, "an impossible reply") }
        } catch { fail("what the server says is \(error): \(String(decoding: output, as: UTF8.self))") }
    }
    check(!parser.hasUnreadInput, "half a reply")
}
