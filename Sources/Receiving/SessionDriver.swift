import Events
import MailQueue
import Ports
import SMTP

/// Hosts one server session on one connection: bytes in, replies out, questions to the rules, messages to the queue.
///
/// While a question or a message is with somebody else it does not read, which is all the
/// back-pressure there is. Everything happens on the connection's loop.
final class SessionDriver {
    /// How far the connection has come.
    private enum Stage {
        /// Waiting for the PROXY header.
        case proxy([UInt8])
        /// Waiting for TLS, which comes before the session.
        case handshake
        /// The session runs.
        case session
        /// Nothing more comes or goes.
        case ended
    }

    let service: SMTPService
    let policy: ListenerPolicy
    let loop: any Loop
    private var stage = Stage.ended
    var connection: (any Connection)?
    var session: ServerSession
    /// The message whose parts are in the log already.
    var stream: Stream?
    /// Messages accepted in this session.
    var messageCount = 0
    /// Who the client is by its credentials.
    var authentication = Authentication()
    /// What the rules against abuse know of the client; nil while none is for it.
    var rules: PolicySession?
    /// What verifies the message that is under way; nil where nothing is verified.
    var verifier: MessageVerifier?
    /// The host name of the client.
    var clientName = ClientName.none

    private var admission: SMTPService.Admission?
    private var timer: (job: LoopTimer, at: Timestamp)?
    /// Within `run`: answers that come at once are picked up by its loop.
    private var isRunning = false
    /// Within a call of `received`: the flush comes with `receivedAll`.
    private var isReceiving = false
    private var isReadingStopped = false
    /// Whether the client's first octets came along with the PROXY header.
    var hasSpokenEarly = false
    private var isShuttingDown = false
    private var closeReason: CloseReason?

    /// What is known of the name of the client.
    enum ClientName: Equatable {
        /// Nothing, and nothing is to come.
        case none
        /// It is being looked up; the question, a MAIL, waits for it.
        case pending(until: Timestamp, awaitedBy: Question?)
        /// What was found for the client at this endpoint.
        case known(ClientNameFinding, SocketEndpoint)
    }

    /// A large message of which parts are in the log.
    struct Stream {
        let id: QueueID
        /// Its header section, which `Cleanup` wants to see.
        let header: [UInt8]
        /// Hashes the body as it passes, for mail that is to be signed.
        let digest: BodyDigest?
        var octets = 0
    }

    init(service: SMTPService, policy: ListenerPolicy, loop: any Loop) {
        self.service = service
        self.policy = policy
        self.loop = loop
        // Replaced when the connection is there; until then nobody asks it anything.
        session = ServerSession(policy.profile, client: ClientIdentity(endpoint: .unix(path: ""), localEndpoint: .unix(path: "")))
    }

    /// Ends the session between two transactions.
    func shutDown() {
        isShuttingDown = true
        guard case .session = stage else { connection?.close(); return }
        session.shutDown()
        run()
    }

    /// Cuts the connection.
    func abort() { connection?.abort() }

    // MARK: Running the session

    /// Does what the session says until it needs input or an answer.
    func run() {
        guard !isRunning, case .session = stage, let connection else { return }
        isRunning = true
        defer { isRunning = false }
        let now = loop.now
        while true {
            switch session.next(at: now) {
            case .needInput:
                write(to: connection)
                // A client that does not take its replies gets no more commands served.
                if connection.isCongested { connection.flush() }
                setReading(!connection.isCongested)
                return armTimer()
            case .flush:
                write(to: connection)
                connection.flush()
                if connection.isCongested {
                    setReading(false)
                    return armTimer()
                }
            case .waiting:
                write(to: connection)
                // Nothing is said again before the answer is there.
                connection.flush()
                // Whoever is being watched for speaking too soon must be heard.
                setReading(rules?.isListeningEarly ?? false)
                return armTimer()
            case .decide(let question):
                if let verdict = answer(to: question) { session.decided(verdict) }
            case .chunk(let part): store(inspected(part))
            case .commit(let message): verify(message)
            case .abandon: abandonStream()
            case .startTLS:
                write(to: connection)
                // Only listeners that have TLS offer it.
                guard let tls = policy.tls else { return connection.abort() }
                startTLS(tls, on: connection)
            case .close(let reason):
                closeReason = reason
                write(to: connection)
                stage = .ended
                return connection.close()
            }
        }
    }

    private func write(to connection: any Connection) {
        guard session.hasOutput else { return }
        connection.write(session.takeOutput())
        if !isReceiving { connection.flush() }
    }

    private func startTLS(_ tls: ListenerTLS, on connection: any Connection, received: [UInt8] = []) {
        var timeout = tls.handshakeTimeout
        if let admission, admission.isUnderStress { timeout = min(timeout, admission.settings.stressTimeout) }
        connection.startTLS(.server(tls.context), timeout: timeout, received: received)
    }

    private func setReading(_ reading: Bool) {
        guard reading == isReadingStopped else { return }
        isReadingStopped = !reading
        connection?.setReading(reading)
    }

    // MARK: Time

    /// Sees to it that a timer fires at the session's deadline at the latest.
    ///
    /// A deadline that moved away leaves the timer as it is: it looks again when it fires. So there is
    /// one timer in minutes for a busy connection, not one for each command.
    private func armTimer() {
        guard session.deadline < .distantFuture else { return }
        armTimer(at: session.deadline)
    }

    func armTimer(at deadline: Timestamp) {
        if let timer {
            guard deadline < timer.at else { return }
            timer.job.cancel()
        }
        let driver = LoopConfined(self, to: loop)
        timer = (loop.schedule(at: deadline) { driver.value.timerFired() }, deadline)
    }

    private func timerFired() {
        timer = nil
        switch stage {
        case .ended: return
        case .handshake: return
        case .proxy:
            note(.notProxied)
            connection?.abort()
        case .session:
            let now = loop.now
            if case .pending(let until, awaitedBy: .some) = clientName {
                return now < until ? armTimer(at: until) : nameFound(.unknown, of: session.identity.endpoint)
            }
            if now < session.deadline { return armTimer() }
            session.timerFired(at: now)
            run()
        }
    }

    func note(_ occurrence: ReceivingOccurrence) {
        service.observer?.noted(occurrence, client: session.identity, listener: policy.name)
    }
}

// MARK: - The connection

extension SessionDriver: ConnectionHandler {
    func opened(_ connection: any Connection) {
        self.connection = connection
        service.register(self, on: loop)
        guard !isShuttingDown else { return }
        if policy.proxyNetworks == nil { return begin(connection.remoteEndpoint, connection.localEndpoint, on: connection) }
        // Whether a peer may name another client is settled before a byte of it is read.
        guard service.proxyProtocol != nil, policy.isProxy(connection.remoteEndpoint) else {
            note(.notProxied)
            return connection.abort()
        }
        stage = .proxy([])
        armTimer(at: loop.now + service.settings.proxyTimeout)
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        isReceiving = true
        defer { isReceiving = false }
        switch stage {
        case .ended, .handshake: return
        case .session:
            session.receive(bytes)
            rules?.clientSpoke()
            run()
        case .proxy(let earlier):
            receiveProxied(earlier + bytes)
        }
    }

    func receivedAll() { connection?.flush() }

    func writable() { run() }

    func tlsEstablished(_ summary: TLSSummary) {
        switch stage {
        case .handshake:
            session = makeSession(session.identity, tls: summary)
            stage = .session
        case .session: session.tlsEstablished(summary)
        case .proxy, .ended: return
        }
        run()
    }

    func tlsFailed(_ failure: TLSFailure) { note(.tlsFailed(failure)) }

    func closed(_ error: ConnectionError?) {
        timer?.job.cancel()
        timer = nil
        stage = .ended
        abandonStream()
        abandonExchange()
        connection = nil
        if let admission {
            service.release(admission)
            self.admission = nil
            rules?.end(errors: session.totalErrors)
            note(.disconnected(closeReason, messages: messageCount, findings: rules?.findings ?? []))
        }
        service.unregister(self)
    }

    private func receiveProxied(_ bytes: [UInt8]) {
        guard let connection, let proxyProtocol = service.proxyProtocol else { return }
        switch bytes.withUnsafeBytes({ proxyProtocol.read($0) }) {
        case .incomplete:
            stage = .proxy(bytes)
        case .invalid:
            note(.notProxied)
            connection.abort()
        case .complete(let length, let source, let destination):
            // The header's timer is not the session's.
            timer?.job.cancel()
            timer = nil
            // Under implicit TLS the client speaks first.
            hasSpokenEarly = length < bytes.count && policy.tls?.start != .implicit
            begin(source ?? connection.remoteEndpoint, destination ?? connection.localEndpoint, on: connection,
                  received: Array(bytes[length...]))
            guard case .session = stage, length < bytes.count else { return }
            bytes[length...].withUnsafeBytes { session.receive($0) }
            run()
        }
    }

    /// Counts the client in and starts its session.
    ///
    /// `received` are octets that came behind a PROXY header.
    private func begin(_ client: SocketEndpoint, _ local: SocketEndpoint, on connection: any Connection, received: [UInt8] = []) {
        let identity = ClientIdentity(endpoint: client, localEndpoint: local)
        let mayRelay = policy.rules.mayRelay(identity)
        let admission = service.admit(mayRelay ? nil : identity.address, to: policy, at: loop.now)
        self.admission = admission
        session = makeSession(identity, tls: nil)
        note(.connected)
        lookUpName(of: identity, under: admission.settings)
        guard let tls = policy.tls, tls.start == .implicit else {
            stage = .session
            return run()
        }
        // Who finds no room is not worth a handshake, and could read no reply before one.
        guard admission.result == .admitted else { return connection.abort() }
        stage = .handshake
        startTLS(tls, on: connection, received: received)
    }

    private func makeSession(_ client: ClientIdentity, tls: TLSSummary?) -> ServerSession {
        let profile = policy.rules.mayRelay(client) ? policy.relayProfile : policy.profile
        var session = ServerSession(profile, client: client, permissions: policy.permissions(for: client.endpoint), tls: tls)
        if let admission, admission.isUnderStress {
            session.commandTimeout = min(session.commandTimeout, admission.settings.stressTimeout)
        }
        return session
    }

    /// The answer to the first question: is there room for the client?
    var connectionVerdict: Verdict {
        switch admission?.result {
        case .admitted, nil: .accept
        case .tooMany: .close(.tooManyConnections)
        case .tooManyFromClient: .close(.tooManyFromClient)
        }
    }
}
