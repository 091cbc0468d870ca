import Ports
import SMTP

/// Hosts the connection to Dovecot; confined to its loop.
final class DovecotDriver {
    typealias Completion = @Sendable (AuthenticationAnswer) -> Void

    private enum Stage {
        case closed
        case opening
        case ready
    }

    /// An exchange under way.
    private struct Request {
        let exchange: UInt64
        let client: ClientIdentity
        var completion: Completion?
    }

    private let path: String
    private let processID: Int32
    private let dialer: any Dialer
    private let loop: any Loop
    private let timeout: Duration
    private var throttle: FailureThrottle

    private var stage = Stage.closed
    private var connection: (any Connection)?
    private var session: DovecotSession
    private var requests: [UInt32: Request] = [:]
    private var ids: [UInt64: UInt32] = [:]
    private var lastID: UInt32 = 0
    /// What waits for the connection.
    private var waiting: [(AuthenticationAttempt, Completion)] = []

    private static let maxWaiting = 1000

    init(path: String, processID: Int32, dialer: any Dialer, loop: any Loop, timeout: Duration, throttle: ThrottleSettings) {
        self.path = path
        self.processID = processID
        self.dialer = dialer
        self.loop = loop
        self.timeout = timeout
        self.throttle = FailureThrottle(throttle)
        session = DovecotSession(processID: processID)
    }

    /// Answers a step of an exchange.
    func take(_ attempt: AuthenticationAttempt, completion: @escaping Completion) {
        switch stage {
        case .ready: start(attempt, completion)
        case .opening, .closed:
            guard waiting.count < DovecotDriver.maxWaiting else { return completion(.unavailable) }
            waiting.append((attempt, completion))
            if case .closed = stage { open() }
        }
    }

    /// Drops an exchange.
    func abandon(_ exchange: UInt64) {
        waiting.removeAll { $0.0.exchange == exchange }
        guard let id = ids.removeValue(forKey: exchange) else { return }
        requests[id] = nil
        guard case .ready = stage else { return }
        session.cancel(id)
        send()
    }

    /// Closes the connection.
    func shutDown() { connection?.close() }

    private func open() {
        stage = .opening
        session = DovecotSession(processID: processID)
        dialer.dial(.unix(path: path), from: nil, timeout: timeout, on: loop, handler: self) { [self] _ in fail() }
    }

    private func start(_ attempt: AuthenticationAttempt, _ completion: @escaping Completion) {
        switch attempt.request {
        case .begin(let mechanism, let response):
            guard throttle.admits(attempt.client.address, nil, at: loop.now) else {
                return completion(.close(.tooManyAuthenticationFailures))
            }
            lastID &+= 1
            let id = lastID
            requests[id] = Request(exchange: attempt.exchange, client: attempt.client, completion: completion)
            ids[attempt.exchange] = id
            session.begin(id, mechanism: mechanism, client: attempt.client, isTLS: attempt.isTLS, initialResponse: response)
            watch(id)
        case .response(let response):
            guard let id = ids[attempt.exchange], requests[id] != nil else { return completion(.unavailable) }
            requests[id]?.completion = completion
            session.respond(id, response)
            watch(id)
        case .password, .keys, .proof, .token, .certificate:
            return completion(.unavailable)
        }
        send()
    }

    /// Sees to it that an answer that never comes is not waited for.
    private func watch(_ id: UInt32) {
        let driver = LoopConfined(self, to: loop)
        let exchange = requests[id]?.exchange
        _ = loop.schedule(at: loop.now + timeout) {
            guard let request = driver.value.requests[id], request.exchange == exchange, request.completion != nil else { return }
            driver.value.finish(id, .unavailable)
        }
    }

    private func send() {
        guard let connection else { return }
        connection.write(session.takeOutput())
        connection.flush()
    }

    private func take(_ event: DovecotSession.Event) {
        switch event {
        case .ready:
            stage = .ready
            let attempts = waiting
            waiting = []
            for (attempt, completion) in attempts { start(attempt, completion) }
        case .challenge(let id, let octets):
            let completion = requests[id]?.completion
            requests[id]?.completion = nil
            completion?(.challenge(octets))
        case .accepted(let id, let user):
            // Dovecot's word for a name is as good as what is allowed as one here.
            guard let name = AccountName(user)?.description else { return finish(id, .unavailable) }
            finish(id, .accepted(AuthenticatedAccount(name: name, senders: SenderPatterns(accountNamed: name))))
        case .refused(let id):
            if let client = requests[id]?.client { throttle.noteFailure(client.address, nil, at: loop.now) }
            finish(id, .refused)
        case .unavailable(let id): finish(id, .unavailable)
        case .broken: connection?.abort()
        }
    }

    private func finish(_ id: UInt32, _ answer: AuthenticationAnswer) {
        guard let request = requests.removeValue(forKey: id) else { return }
        ids[request.exchange] = nil
        request.completion?(answer)
    }

    /// The connection is gone: who waits is told so.
    private func fail() {
        stage = .closed
        connection = nil
        let lost = requests
        let unsent = waiting
        requests = [:]
        ids = [:]
        waiting = []
        for request in lost.values { request.completion?(.unavailable) }
        for (_, completion) in unsent { completion(.unavailable) }
    }
}

extension DovecotDriver: ConnectionHandler {
    func opened(_ connection: any Connection) {
        self.connection = connection
        send()
        let driver = LoopConfined(self, to: loop)
        let opened = ObjectIdentifier(connection)
        _ = loop.schedule(at: loop.now + timeout) {
            // A server that never says DONE is none.
            if case .opening = driver.value.stage, let current = driver.value.connection, ObjectIdentifier(current) == opened { current.abort() }
        }
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        for event in session.receive(bytes) { take(event) }
    }

    func receivedAll() {}

    func writable() {}

    func closed(_ error: ConnectionError?) { fail() }
}
