import MailQueue
import Ports
import SMTP

/// Who uses a connection at the moment, and so hears of it.
protocol SMTPConnectionUser: AnyObject {
    /// The connection could not be made; last call.
    func connectionFailed(_ connection: SMTPConnection, _ error: ConnectionError)
    /// The session is open: transactions may begin.
    func connectionReady(_ connection: SMTPConnection)
    /// The transaction has ended.
    func connection(_ connection: SMTPConnection, finished result: TransactionResult)
    /// The session is over; last call.
    func connectionEnded(_ connection: SMTPConnection, _ end: ClientEnd)
}

/// One outgoing connection: hosts a `ClientSession` on a `Connection` and feeds it the messages.
///
/// Confined to its loop; `@unchecked Sendable` so that timers and readers of that loop may hold it.
final class SMTPConnection: ConnectionHandler, @unchecked Sendable {
    /// Output above this leaves before more of the message is encoded.
    private static let outputLimit = 64 * 1024

    let key: ConnectionKey
    let host: HopHost
    let endpoint: SocketEndpoint
    /// Who is told of what happens; nobody after the end.
    var user: (any SMTPConnectionUser)?
    /// When the session opened.
    private(set) var openedAt: Timestamp
    /// What became of TLS; nil until that is settled.
    private(set) var tls: TLSOutcome? {
        didSet { if let tls, tls.result != .notWanted { tlsText = tls.description } }
    }
    /// The same for events, made once for all messages; nil where nobody asked for TLS.
    private(set) var tlsText: String?
    /// Why the connection stays in the clear though the policy would try TLS.
    let clearBecause: TLSFailure?
    /// Whether the session is over or was never made.
    private(set) var isEnded = false
    /// When a connection without work is to quit.
    private var idleDeadline = Timestamp.distantFuture

    private let loop: any Loop
    private var session: ClientSession
    private var connection: (any Connection)?
    private var isPumping = false
    private var hasOpened = false
    private var timer: (deadline: Timestamp, timer: LoopTimer)?
    private var content: MessageContent?
    private var nextPart: Int?
    private var isReading = false
    private var fetched: Result<[UInt8], ContentError>?

    init(key: ConnectionKey, host: HopHost, endpoint: SocketEndpoint, loop: any Loop, settings: SMTPAgentSettings,
         nonce: [UInt8], clearBecause: TLSFailure? = nil) {
        self.key = key
        self.host = host
        self.endpoint = endpoint
        self.loop = loop
        self.clearBecause = clearBecause
        openedAt = loop.now
        var sessionSettings = settings.session
        sessionSettings.startTLS = clearBecause == nil && key.tlsStart == .startTLS ? key.tls.startTLS : .never
        sessionSettings.authentication = key.authentication
        sessionSettings.authentication?.nonce = nonce
        session = ClientSession(dialect: key.dialect, heloName: settings.heloName, settings: sessionSettings, at: loop.now)
    }

    /// Transactions begun so far.
    var transactionCount: Int { session.transactionCount }
    /// Whether the next transaction can begin now.
    var canBegin: Bool { !isEnded && session.canBegin }

    /// Connects; the user hears `connectionReady` or that it failed.
    func open(by dialer: any Dialer, settings: SMTPAgentSettings) {
        var source: IPAddress?
        if case .ip(let address, _) = endpoint {
            if case .v4 = address.unmapped { source = settings.sourceIPv4 } else { source = settings.sourceIPv6 }
        }
        dialer.dial(endpoint, from: source, timeout: settings.connectTimeout, on: loop, handler: self) { error in
            self.isEnded = true
            self.takeUser()?.connectionFailed(self, error)
        }
    }

    /// Carries out a transaction; only when `canBegin`.
    func begin(_ transaction: ClientTransaction, content: MessageContent) {
        self.content = content
        nextPart = nil
        fetched = nil
        idleDeadline = .distantFuture
        session.begin(transaction, at: loop.now)
        pump()
    }

    /// Quits when nothing was begun until `deadline`.
    func idle(until deadline: Timestamp) {
        idleDeadline = deadline
        setTimer()
    }

    /// Ends an idle session with QUIT.
    func quit() {
        idleDeadline = .distantFuture
        session.quit(at: loop.now)
        pump()
    }

    // MARK: ConnectionHandler

    func opened(_ connection: any Connection) {
        self.connection = connection
        openedAt = loop.now
        let isImplicit = key.tlsStart == .implicit
        session = ClientSession(dialect: key.dialect, heloName: session.heloName, settings: session.settings,
                                implicitTLS: isImplicit, at: loop.now)
        setTimer()
        if isImplicit { startTLS() }
    }

    func received(_ bytes: UnsafeRawBufferPointer) { session.receive(bytes) }

    func receivedAll() { pump() }

    func writable() { pump() }

    func tlsEstablished(_ summary: TLSSummary) {
        tls = TLSOutcome(policy: key.tls, result: .established(summary))
        session.tlsEstablished(at: loop.now)
        pump()
    }

    func tlsFailed(_ failure: TLSFailure) {
        tls = TLSOutcome(policy: key.tls, result: .failed(failure))
        session.tlsFailed(failure)
        pump()
    }

    func closed(_ error: ConnectionError?) {
        session.endOfInput(error)
        pump()
        connection = nil
    }

    // MARK: Driving the session

    private func pump() {
        guard !isPumping, !isEnded else { return }
        isPumping = true
        let now = loop.now
        var result: TransactionResult?
        var end: ClientEnd?
        var isReady = false
        actions: while true {
            switch session.next(at: now) {
            case .needInput: break actions
            case .needBody: if !supplyPart(at: now) { break actions }
            case .ready:
                isReady = true
                break actions
            case .finished(let finished): result = finished
            case .startTLS:
                send()
                startTLS()
            case .close(let reason):
                end = reason
                break actions
            }
        }
        isPumping = false
        send()
        if let end { shut(end) } else { setTimer() }
        tell(result, isReady: isReady, end)
    }

    private func startTLS() {
        let settings = TLSClientSettings(serverName: host.serverName, verification: key.tls.verification(at: loop.now))
        connection?.startTLS(.client(settings), timeout: session.settings.startTLSTimeout)
    }

    /// What became of TLS on a connection that has come to its first transaction, or to its end.
    private func settleTLS(_ end: ClientEnd?) {
        guard tls == nil else { return }
        let result: TLSOutcome.Result
        switch end {
        case .failed(.startTLSNotOffered, _)?: result = .notOffered
        case .refused(let reply, at: .startTLS)?: result = .refused(reply)
        case .failed(let failure, at: .startTLS)?: result = .failed(failure.duringHandshake)
        case .some: return
        case nil:
            if let clearBecause {
                result = .givenUp(clearBecause)
            } else if key.tls == .none {
                result = .notWanted
            } else if let reply = session.startTLSRefusal {
                result = .refused(reply)
            } else {
                result = .notOffered
            }
        }
        tls = TLSOutcome(policy: key.tls, result: result)
    }

    private func tell(_ result: TransactionResult?, isReady: Bool, _ end: ClientEnd?) {
        if let result {
            content = nil
            user?.connection(self, finished: result)
        } else if isReady, !hasOpened {
            hasOpened = true
            settleTLS(nil)
            user?.connectionReady(self)
        }
        if let end {
            settleTLS(end)
            takeUser()?.connectionEnded(self, end)
        }
    }

    private func takeUser() -> (any SMTPConnectionUser)? {
        defer { user = nil }
        return user
    }

    private func send() {
        guard let connection, session.outputCount > 0 else { return }
        session.drainOutput { connection.write($0) }
        connection.flush()
    }

    private func shut(_ end: ClientEnd) {
        isEnded = true
        content = nil
        fetched = nil
        timer?.timer.cancel()
        timer = nil
        switch end {
        case .quit, .refused: connection?.close()
        case .failed: connection?.abort()
        }
    }

    // MARK: The message

    /// Gives the session the next part of the message; tells whether there was one to give.
    private func supplyPart(at now: Timestamp) -> Bool {
        guard let content, let connection, !isReading else { return false }
        if session.outputCount >= SMTPConnection.outputLimit { send() }
        if connection.isCongested { return false }
        guard let part = nextPart else {
            nextPart = 0
            session.send(body: content.prefix, isLast: content.parts.isEmpty, at: now)
            return true
        }
        let isLast = part + 1 >= content.parts.count
        switch content.parts[part] {
        case .memory(let bytes):
            nextPart = part + 1
            session.send(body: bytes, isLast: isLast, at: now)
            return true
        case .stored:
            if fetched == nil { fetch(part, of: content) }
            guard let fetched else { return false }
            self.fetched = nil
            nextPart = part + 1
            switch fetched {
            case .success(let bytes): session.send(body: bytes, isLast: isLast, at: now)
            case .failure: session.abandonBody()
            }
            return true
        }
    }

    private func fetch(_ part: Int, of content: MessageContent) {
        isReading = true
        let number = session.transactionCount
        content.read(part: part, on: loop) { result in
            self.isReading = false
            guard !self.isEnded else { return }
            // A transaction that ended meanwhile has no use for it, but the one after it waits for its own part.
            if self.session.transactionCount == number { self.fetched = result }
            self.pump()
        }
    }

    // MARK: The timer

    /// One timer, moved only when the deadline comes nearer: most deadlines are overtaken by replies.
    private func setTimer() {
        guard !isEnded else { return }
        let deadline = min(session.deadline, idleDeadline)
        if let timer {
            if timer.deadline <= deadline { return }
            timer.timer.cancel()
        }
        guard deadline < .distantFuture else { timer = nil; return }
        timer = (deadline, loop.schedule(at: deadline) { self.timerFired() })
    }

    private func timerFired() {
        timer = nil
        guard !isEnded else { return }
        if loop.now >= idleDeadline { quit() } else { pump() }
        setTimer()
    }
}

extension ClientFailure {
    /// The failure of a session while TLS began, as one of TLS.
    fileprivate var duringHandshake: TLSFailure {
        switch self {
        case .tls(let failure): failure
        case .timedOut: .timedOut
        case .inputBeforeTLS: .handshake("clear text where TLS had to begin")
        case .connectionLost: .closed
        case .garbage, .unexpectedReply, .startTLSNotOffered, .contentUnavailable, .authenticationNeedsTLS, .noCommonMechanism,
             .serverNotAuthenticated: .handshake("no TLS after STARTTLS")
        }
    }
}
