import Ports

/// A client that hands messages in over one connection and enters into the ledger what it was told.
public final class MailClient: ConnectionHandler, @unchecked Sendable {
    private enum Step {
        case greeting
        case hello
        case envelope
        case content
        case end
        case over
    }

    /// Probability of breaking off in the middle of a content.
    public var breaksOff = 0.0

    private static let patience = Duration.minutes(15)

    private let ledger: MailLedger
    private let loop: any Loop
    private let random: SeededRandom
    private var waiting: [MailLedger.Submission]
    private var connection: (any Connection)?
    private var step = Step.greeting
    private var input = LineReader()
    private var timer: LoopTimer?
    private var canPipeline = false
    private var canChunk = false
    private var usesChunks = false
    private var hasSentEnd = false
    /// Replies that are still to come in the envelope: MAIL, each RCPT, DATA.
    private var expected: [String] = []
    private var unsent: [String] = []
    private var accepted: [String] = []
    private var mailFailed = false
    private var chunksAhead = 0

    /// A client for these messages, one after the other.
    public init(_ submissions: [MailLedger.Submission], ledger: MailLedger, loop: any Loop, random: SeededRandom) {
        waiting = submissions
        self.ledger = ledger
        self.loop = loop
        self.random = random
    }

    /// Connects and begins; call it on the loop.
    public func start(_ dialer: any Dialer, to endpoint: SocketEndpoint) {
        dialer.dial(endpoint, from: nil, timeout: .seconds(30), on: loop, handler: self) { _ in
            self.ledger.mark("client: no connection")
            self.giveUp()
        }
    }

    public func opened(_ connection: any Connection) {
        self.connection = connection
        touch()
    }

    public func received(_ bytes: UnsafeRawBufferPointer) {
        input.append(bytes)
        touch()
        while step != .over, let line = input.next() {
            // Only the last line of a reply matters here.
            if step == .hello { noteCapability(line) }
            guard line.count >= 3, line.count == 3 || line[line.startIndex + 3] != 0x2d else { continue }
            guard let code = Int(String(decoding: line.prefix(3), as: UTF8.self)) else { continue }
            reply(code)
        }
    }

    public func receivedAll() {}
    public func writable() {}

    public func closed(_ error: ConnectionError?) {
        connection = nil
        giveUp()
    }

    private func touch() {
        timer?.cancel()
        timer = loop.schedule(at: loop.now + Self.patience) {
            self.ledger.mark("client: out of patience")
            self.connection?.abort()
            self.giveUp()
        }
    }

    private func noteCapability(_ line: ArraySlice<UInt8>) {
        let text = String(decoding: line.dropFirst(4), as: UTF8.self).uppercased()
        if text == "PIPELINING" { canPipeline = true }
        if text == "CHUNKING" { canChunk = true }
    }

    private func reply(_ code: Int) {
        switch step {
        case .greeting:
            guard code == 220 else { return quit() }
            step = .hello
            send("EHLO client.example")
        case .hello:
            guard code == 250 else { return quit() }
            nextMessage()
        case .envelope: envelopeReply(code)
        case .content:
            guard let message = waiting.first else { return quit() }
            if chunksAhead > 0, code == 250 {
                chunksAhead -= 1
                return
            }
            // A chunk that is refused ends the message, and what follows it is not worth reading.
            if chunksAhead > 0 { return refuse(message) }
            ledger.ended(message.token, code == 250 ? .accepted : .refusedWhole(code: code), accepted: accepted, at: loop.now)
            waiting.removeFirst()
            if code == 421 { quit() } else { nextMessage() }
        case .end, .over: break
        }
    }

    // MARK: Messages

    private func nextMessage() {
        guard let message = waiting.first else { return quit() }
        step = .envelope
        hasSentEnd = false
        accepted = []
        mailFailed = false
        usesChunks = canChunk && random.chance(0.3)
        var commands = ["MAIL FROM:<\(message.reversePath)>"]
        let notify = message.notify.isEmpty ? "" : " NOTIFY=\(message.notify)"
        commands += message.recipients.map { "RCPT TO:<\($0)>\(notify)" }
        if !usesChunks { commands.append("DATA") }
        expected = commands
        unsent = commands
        sendEnvelope()
    }

    private func sendEnvelope() {
        let isPipelined = canPipeline && random.chance(0.7)
        repeat {
            guard !unsent.isEmpty else { return }
            send(unsent.removeFirst())
        } while isPipelined
    }

    private func envelopeReply(_ code: Int) {
        guard !expected.isEmpty, let message = waiting.first else { return quit() }
        let command = expected.removeFirst()
        if code == 421 { return refuse(message) }
        if command.hasPrefix("MAIL") {
            mailFailed = code != 250
        } else if command.hasPrefix("RCPT") {
            if code == 250 { accepted.append(message.recipients[message.recipients.count - remainingRecipients() - 1]) }
        } else if code == 354 {
            return sendContent(message)
        } else {
            return refuse(message)
        }
        guard expected.isEmpty else {
            if unsent.count == expected.count { sendEnvelope() }
            return
        }
        // With BDAT nothing stands for the refusal of all recipients but the client's own sense.
        if mailFailed || accepted.isEmpty { return refuse(message) }
        sendContent(message)
    }

    private func remainingRecipients() -> Int { expected.count { $0.hasPrefix("RCPT") } }

    private func sendContent(_ message: MailLedger.Submission) {
        step = .content
        if usesChunks { sendChunks(message.content) } else { sendDotted(message.content) }
        hasSentEnd = true
        connection?.flush()
    }

    private func sendDotted(_ content: [UInt8]) {
        var stuffed: [UInt8] = []
        stuffed.reserveCapacity(content.count + 100)
        var isLineStart = true
        for byte in content {
            if isLineStart, byte == 0x2e { stuffed.append(0x2e) }
            stuffed.append(byte)
            isLineStart = byte == 10
        }
        if accepted.isEmpty { ledger.mark("client: content without recipients") }
        let end = random.chance(breaksOff) ? stuffed.count * 2 / 3 : stuffed.count
        connection?.write(stuffed[..<end])
        guard end == stuffed.count else { return breakOff() }
        connection?.write(Array(".\r\n".utf8))
    }

    private func sendChunks(_ content: [UInt8]) {
        let cut = random.number(in: 0...content.count)
        guard cut > 0, cut < content.count, random.chance(0.5) else {
            connection?.write(Array("BDAT \(content.count) LAST\r\n".utf8))
            connection?.write(content)
            return
        }
        // Both chunks leave at once (RFC 3030 §2), and the first gets a reply of its own.
        chunksAhead = 1
        connection?.write(Array("BDAT \(cut)\r\n".utf8))
        connection?.write(content[..<cut])
        connection?.write(Array("BDAT \(content.count - cut) LAST\r\n".utf8))
        connection?.write(content[cut...])
    }

    private func breakOff() {
        ledger.mark("client: broke off")
        connection?.flush()
        connection?.abort()
        giveUp()
    }

    private func refuse(_ message: MailLedger.Submission) {
        ledger.ended(message.token, .refused, accepted: [], at: loop.now)
        waiting.removeFirst()
        quit()
    }

    // MARK: Ending

    private func quit() {
        step = .end
        send("QUIT")
        connection?.close()
        giveUp()
    }

    private func giveUp() {
        guard step != .over else { return }
        let inContent = step == .content
        step = .over
        timer?.cancel()
        if inContent, let message = waiting.first {
            ledger.ended(message.token, hasSentEnd ? .unknown : .refused, accepted: hasSentEnd ? accepted : [], at: loop.now)
            waiting.removeFirst()
        }
        for message in waiting { ledger.ended(message.token, .refused, accepted: [], at: loop.now) }
        waiting = []
    }

    private func send(_ line: String) {
        connection?.write(Array((line + "\r\n").utf8))
        connection?.flush()
    }
}
