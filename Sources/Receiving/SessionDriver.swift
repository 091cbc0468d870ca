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
    /// The host name of the client.
    var clientName = ClientName.none

    private var admission: SMTPService.Admission?
    private var timer: (job: LoopTimer, at: Timestamp)?
    /// Within `run`: answers that come at once are picked up by its loop.
    private var isRunning = false
    /// Within a call of `received`: the flush comes with `receivedAll`.
    private var isReceiving = false
    private var isReadingStopped = false
    private var isShuttingDown = false
    private var closeReason: CloseReason?

    /// What is known of the name of the client.
    enum ClientName: Equatable {
        /// Nothing, and nothing is to come.
        case none
        /// It is being looked up; `isAwaited` when MAIL waits for it.
        case pending(until: Timestamp, isAwaited: Bool)
        /// The name of the client at this endpoint.
        case known(String, SocketEndpoint)
    }

    /// A large message of which parts are in the log.
    struct Stream {
        let id: QueueID
        /// Its header section, which `Cleanup` wants to see.
        let header: [UInt8]
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
                setReading(false)
                return armTimer()
            case .decide(let question):
                if let verdict = verdict(on: question) { session.decided(verdict) }
            case .chunk(let part): store(part)
            case .commit(let message): commit(message)
            case .abandon: abandonStream()
            case .startTLS:
                // Never offered without TLS at hand; a session that got here anyway has no way on.
                return connection.abort()
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
        case .proxy:
            note(.notProxied)
            connection?.abort()
        case .session:
            let now = loop.now
            if case .pending(let until, isAwaited: true) = clientName {
                return now < until ? armTimer(at: until) : nameFound(nil)
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
        if policy.proxyNetworks == nil { return begin(connection.remoteEndpoint, connection.localEndpoint) }
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
        case .ended: return
        case .session:
            session.receive(bytes)
            run()
        case .proxy(let earlier):
            receiveProxied(earlier + bytes)
        }
    }

    func receivedAll() { connection?.flush() }

    func writable() { run() }

    func closed(_ error: ConnectionError?) {
        timer?.job.cancel()
        timer = nil
        stage = .ended
        abandonStream()
        connection = nil
        if let admission {
            service.release(admission)
            self.admission = nil
            note(.disconnected(closeReason, messages: messageCount))
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
            begin(source ?? connection.remoteEndpoint, destination ?? connection.localEndpoint)
            guard case .session = stage, length < bytes.count else { return }
            bytes[length...].withUnsafeBytes { session.receive($0) }
            run()
        }
    }

    /// Counts the client in and starts its session.
    private func begin(_ client: SocketEndpoint, _ local: SocketEndpoint) {
        let identity = ClientIdentity(endpoint: client, localEndpoint: local)
        let mayRelay = policy.rules.mayRelay(identity)
        let admission = service.admit(mayRelay ? nil : identity.address, to: policy, at: loop.now)
        self.admission = admission
        session = ServerSession(mayRelay ? policy.relayProfile : policy.profile, client: identity,
                                permissions: policy.permissions(for: client))
        if admission.isUnderStress { session.commandTimeout = min(session.commandTimeout, admission.settings.stressTimeout) }
        stage = .session
        note(.connected)
        lookUpName(of: identity, under: admission.settings)
        run()
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
