import Ports

/// The client's side of an SMTP or LMTP session (RFC 5321, RFC 2033), without any input or output of its own.
///
/// The host gives it what comes in (`receive`, `endOfInput`), then asks `next(at:)` what to do until
/// that is `needInput`, `ready` or a body part it cannot supply yet; it sends what `takeOutput`
/// gives in one write, and calls `next(at:)` again when `deadline` has passed.
///
///     C: MAIL FROM:<a@x.example> SIZE=1200
///     C: RCPT TO:<b@y.example>
///     C: DATA
///     S: 250 2.1.0 OK
///     S: 250 2.1.5 OK
///     S: 354 Go on
///
/// With PIPELINING (RFC 2920) each such group is one write; a transaction begun before the final
/// dot of the one before rides in the same write as that dot.
public struct ClientSession: ~Copyable {
    enum State {
        case greeting
        case ehlo
        case helo
        case startTLS
        /// The reply to STARTTLS came; the host does not know yet.
        case startTLSAccepted
        case handshake
        /// The session is open, but not to us yet.
        case unauthenticated
        case authenticating(SASLClient)
        case idle
        /// Commands are out, replies are awaited.
        case envelope
        /// The host is to supply the message.
        case body
        /// A chunk is out to a server without PIPELINING.
        case chunk
        /// The final dot or last chunk is out.
        case endOfData
        case quitting
        case closed(ClientEnd)
    }

    /// A reply that is still to come in a transaction.
    enum Expectation: Equatable {
        case reset
        case mail
        /// The recipient of this index.
        case rcpt(Int)
        case data
        case chunk
        /// The reply for all recipients.
        case endOfData
        /// LMTP's reply for the recipient of this index.
        case endOfDataFor(Int)
    }

    /// What this session may do, and its timeouts.
    public let settings: ClientSettings
    /// SMTP or LMTP.
    public let dialect: Dialect
    /// The name of this host for EHLO, or its address literal (RFC 5321 §4.1.1.1).
    public let heloName: String
    /// What the server offers; nothing before EHLO.
    public internal(set) var capabilities = Capabilities()
    /// The greeting of the server.
    public internal(set) var greeting: Reply?
    /// Whether TLS was established.
    public internal(set) var isEncrypted = false
    /// The reply by which the server refused STARTTLS though it had offered it.
    public internal(set) var startTLSRefusal: Reply?
    /// Whether the server has taken our credentials.
    public internal(set) var isAuthenticated = false
    /// Transactions begun in this session.
    public internal(set) var transactionCount = 0
    /// When `next(at:)` must be called again even if nothing comes in.
    public internal(set) var deadline: Timestamp

    var state = State.greeting
    var output: [UInt8] = []
    var parser = ReplyParser()
    var expected: [Expectation] = []
    var expectedStart = 0
    var current: ClientExchange?
    var upcoming: ClientExchange?
    var encoder = DotEncoder()
    var results: [TransactionResult] = []
    /// A transaction is open at the server that nothing has closed: RSET goes before the next MAIL.
    var needsReset = false
    var inputEnd: ClientFailure?

    /// A session that waits for the greeting from `now` on; with `implicitTLS` for TLS before it (RFC 8314 §3.3).
    public init(dialect: Dialect, heloName: String, settings: ClientSettings, implicitTLS: Bool = false, at now: Timestamp) {
        self.dialect = dialect
        self.heloName = heloName
        self.settings = settings
        if implicitTLS { state = .handshake }
        deadline = now + (implicitTLS ? settings.startTLSTimeout : settings.greetingTimeout)
    }

    /// What is to be sent now; the session forgets it.
    public mutating func takeOutput() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &output)
        return taken
    }

    /// Hands what is to be sent now to `write` and forgets it, keeping the memory for more of its kind.
    public mutating func drainOutput(to write: ([UInt8]) -> Void) {
        guard !output.isEmpty else { return }
        write(output)
        if output.count <= ClientSession.keptOutputOctets { output.removeAll(keepingCapacity: true) } else { output = [] }
    }

    /// Output memory that a session keeps between two writes.
    private static let keptOutputOctets = 16 * 1024

    /// Octets that are to be sent.
    public var outputCount: Int { output.count }

    /// Takes what came in.
    public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
        if case .closed = state { return }
        parser.receive(bytes)
    }

    /// The stream has ended: nil when the server closed it in good order.
    public mutating func endOfInput(_ error: ConnectionError?) {
        if inputEnd == nil { inputEnd = .connectionLost(error) }
    }

    /// What to do now; ask again until it is `needInput`, `ready` or `close`, or a `needBody` that has to wait.
    public mutating func next(at now: Timestamp) -> ClientAction {
        while true {
            if !results.isEmpty { return .finished(results.removeFirst()) }
            switch state {
            case .closed(let end):
                return .close(end)
            case .startTLSAccepted:
                // What comes with or after the reply is the attacker's, not the server's (CVE-2021-38371).
                if parser.hasUnreadInput { fail(.inputBeforeTLS); continue }
                state = .handshake
                return .startTLS
            case .handshake:
                if parser.hasUnreadInput { fail(.inputBeforeTLS); continue }
            case .unauthenticated:
                authenticate(at: now)
                continue
            case .envelope:
                if advanceEnvelope(at: now) { continue }
            case .endOfData:
                if finishIfAnswered() { continue }
            case .greeting, .ehlo, .helo, .startTLS, .authenticating, .idle, .body, .chunk, .quitting:
                break
            }
            let reply: Reply?
            do { reply = try parser.next() } catch {
                fail(.garbage(error))
                continue
            }
            if let reply {
                take(reply, at: now)
            } else if let inputEnd {
                fail(inputEnd)
            } else if now >= deadline {
                fail(.timedOut)
            } else {
                return waiting
            }
        }
    }

    /// Ends the session with QUIT; to be called when `next(at:)` says `ready` (RFC 5321 §4.1.1.10).
    public mutating func quit(at now: Timestamp) {
        guard case .idle = state else { return }
        output.append(contentsOf: "QUIT\r\n".utf8)
        state = .quitting
        deadline = now + settings.quitTimeout
    }

    private var waiting: ClientAction {
        switch state {
        case .idle: .ready
        case .body: .needBody
        case .closed(let end): .close(end)
        case .greeting, .ehlo, .helo, .startTLS, .startTLSAccepted, .handshake, .unauthenticated, .authenticating, .envelope, .chunk,
             .endOfData, .quitting: .needInput
        }
    }

    private mutating func take(_ reply: Reply, at now: Timestamp) {
        if reply.code == 421 { return close(by: reply) }
        switch state {
        case .greeting: takeGreeting(reply, at: now)
        case .ehlo: takeEHLO(reply, at: now)
        case .helo: takeHELO(reply)
        case .startTLS: takeStartTLS(reply, at: now)
        case .authenticating(let exchange): takeAuthentication(reply, exchange, at: now)
        case .envelope, .chunk, .endOfData: takeExpected(reply, at: now)
        case .body: takeDuringBody(reply, at: now)
        case .quitting: state = .closed(.quit)
        case .idle, .startTLSAccepted, .handshake, .unauthenticated: fail(.unexpectedReply(reply))
        case .closed: break
        }
    }
}

// MARK: How a session ends

extension ClientSession {
    /// The part of the session that waits.
    var stage: ClientStage {
        switch state {
        case .greeting: .greeting
        case .ehlo, .helo: .ehlo
        case .startTLS, .startTLSAccepted, .handshake: .startTLS
        case .unauthenticated, .authenticating: .authentication
        case .idle, .closed: .idle
        case .body, .chunk: .body
        case .quitting: .quit
        case .envelope, .endOfData:
            switch nextExpected {
            case .reset: .reset
            case .mail, nil: .mail
            case .rcpt: .rcpt
            case .data: .data
            case .chunk: .body
            case .endOfData, .endOfDataFor: .endOfData
            }
        }
    }

    /// The session broke: nobody without an answer will get one.
    mutating func fail(_ failure: ClientFailure) {
        if case .quitting = state { return end(.quit) }
        let stage = stage
        if current?.isSent == true {
            current?.settle(.unknown(failure))
        } else {
            current?.settle(.broken(failure, at: stage))
        }
        output.removeAll()
        end(.failed(failure, at: stage))
    }

    /// The server closes the session: 421 may answer any command (RFC 5321 §3.8).
    mutating func close(by reply: Reply) {
        if case .quitting = state { return end(.quit) }
        let stage = stage
        current?.settle(.refused(reply, at: stage))
        output.removeAll()
        end(.refused(reply, at: stage))
    }

    /// The server does not want this session; it is told QUIT without waiting for more (RFC 5321 §3.1).
    mutating func refuse(_ reply: Reply, at stage: ClientStage) {
        output.append(contentsOf: "QUIT\r\n".utf8)
        end(.refused(reply, at: stage))
    }

    /// Nothing more is sent or taken; every transaction under way gets its result.
    mutating func end(_ end: ClientEnd) {
        if let exchange = current.take() { report(exchange) }
        if var exchange = upcoming.take() {
            exchange.settle(.notTried)
            report(exchange)
        }
        state = .closed(end)
        deadline = .distantFuture
    }

    /// Queues the result of a transaction for the host.
    mutating func report(_ exchange: ClientExchange) {
        results.append(TransactionResult(recipients: exchange.answers.map { $0 ?? .notTried }, offeredDSN: capabilities.dsn))
    }
}
