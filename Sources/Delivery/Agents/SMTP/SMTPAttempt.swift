import Events
import MailQueue
import MessageFormat
import Ports
import SMTP

/// One attempt of the SMTP agent: finds a connection, carries the transaction out, reports.
///
/// Confined to the core loop; `@unchecked Sendable` so that lookups of that loop may hold it.
final class SMTPAttempt: @unchecked Sendable {
    private let attempt: Attempt
    private let dialect: Dialect
    private let agent: SMTPAgent
    private let completion: (AttemptReport, (any DeliveryLease)?) -> Void
    /// Hosts that are still to be tried.
    private var hosts: [HopHost]
    /// Addresses of the host at hand that are still to be tried.
    private var endpoints: [SocketEndpoint] = []
    private var host: HopHost?
    private var addressesTried = 0
    private var sessionsTried = 0
    /// Whether the connection at hand had carried messages before.
    private var isReused = false
    /// Recipients without an outcome.
    private var recipients: [UInt16]
    private var outcomes: [RecipientDelivery] = []
    /// The last reason why nobody could be asked; one that may pass outweighs one that stays.
    private var obstacle: SMTPObstacle?
    private var remote: RemoteHost?
    private var feedback = SiteFeedback.none

    init(_ attempt: Attempt, to hosts: [HopHost], _ dialect: Dialect, agent: SMTPAgent,
         _ completion: @escaping (AttemptReport, (any DeliveryLease)?) -> Void) {
        self.attempt = attempt
        let message: MessageTLS = attempt.envelope.requireTLS ? .required
            : attempt.envelope.content.contains(.tlsWaived) ? .waived : .ordinary
        // LMTP hands over within one's own house: what senders say about SMTP's TLS does not concern it.
        self.hosts = message == .ordinary || dialect == .lmtp ? hosts : hosts.map { $0.protected(for: message) }
        self.dialect = dialect
        self.agent = agent
        self.completion = completion
        recipients = attempt.recipients.filter { attempt.envelope.recipients.indices.contains(Int($0)) }
    }

    func start() {
        let equals: Int
        (hosts, equals) = agent.ordered(hosts, dialect)
        for host in hosts.prefix(equals) {
            guard let connection = agent.pool.take(agent.key(host, dialect)) else { continue }
            isReused = true
            return begin(on: connection)
        }
        connect()
    }

    // MARK: Finding a connection

    /// Tries the next address, or the addresses of the next host.
    private func connect() {
        guard addressesTried < agent.settings.maxAddresses, sessionsTried < agent.settings.maxSessions else { return giveUp() }
        if let host, !endpoints.isEmpty { return dial(endpoints.removeFirst(), host) }
        guard let host = hosts.first else { return giveUp() }
        // After one that broke only a new connection tells how its host is.
        if !isReused, let connection = agent.pool.take(agent.key(host, dialect)) {
            isReused = true
            return begin(on: connection)
        }
        hosts.removeFirst()
        self.host = host
        if case .withheld(let reason) = host.tls { return pass(.init(host, nil, .withheld(reason))) }
        switch host.location {
        case .unix(let path):
            dial(.unix(path: path), host)
        case .address(let address):
            take([address], of: host)
        case .name(let name):
            agent.addressFinder.findAddresses(of: name) { answer in
                switch answer {
                case .found(let addresses): self.take(addresses, of: host)
                case .unavailable: self.pass(.init(host, nil, .addressUnavailable))
                case .none: self.pass(.init(host, nil, .noAddress))
                }
            }
        }
    }

    private func take(_ addresses: [IPAddress], of host: HopHost) {
        if addresses.contains(where: { agent.own.listens(at: $0, port: host.port) }) {
            // RFC 5321 §5.1: this host and all that are no better than it are out of the question.
            hosts.removeAll { $0.preference >= host.preference }
            return pass(.init(host, nil, .thisHost))
        }
        endpoints = addresses.map { .ip($0, port: host.port) }
        connect()
    }

    private func dial(_ endpoint: SocketEndpoint, _ host: HopHost) {
        addressesTried += 1
        isReused = false
        let mayBeClear = host.tls.allowsClear && host.tlsStart == .startTLS
        open(endpoint, host, clearBecause: mayBeClear ? agent.brokenTLS.failure(at: endpoint, now: agent.loop.now) : nil)
    }

    private func open(_ endpoint: SocketEndpoint, _ host: HopHost, clearBecause: TLSFailure?) {
        let connection = SMTPConnection(key: agent.key(host, dialect), host: host, endpoint: endpoint, loop: agent.loop,
                                        settings: agent.settings, nonce: agent.nonce, clearBecause: clearBecause)
        connection.user = self
        connection.open(by: agent.dialer, settings: agent.settings)
    }

    /// Notes what was in the way and goes on to the next address or host.
    private func pass(_ obstacle: SMTPObstacle) {
        if self.obstacle == nil || obstacle.isTemporary || self.obstacle?.isTemporary == false { self.obstacle = obstacle }
        remote = obstacle.remote
        connect()
    }

    /// Nobody is left who could be asked.
    private func giveUp() {
        let obstacle = obstacle ?? SMTPObstacle(host ?? HopHost(.name(""), port: 0), nil, .noHost)
        let outcome = obstacle.outcome
        if feedback == .none { feedback = obstacle.feedback }
        for recipient in recipients { outcomes.append(RecipientDelivery(recipient: recipient, outcome: outcome)) }
        recipients = []
        report(nil)
    }

    // MARK: The transaction

    private func begin(on connection: SMTPConnection) {
        connection.user = self
        remote = RemoteHost(name: connection.host.name, endpoint: connection.endpoint, tls: connection.tlsText)
        connection.begin(transaction, content: attempt.content)
    }

    private var transaction: ClientTransaction {
        let envelope = attempt.envelope
        var transaction = ClientTransaction(reversePath: envelope.reversePath(towards: recipients), recipients: recipients.map { index in
            let recipient = envelope.recipients[Int(index)]
            var parameters = RcptParameters()
            parameters.notify = recipient.notify
            parameters.originalRecipient = recipient.originalRecipient
            return ClientRecipient(.mailbox(recipient.address), parameters: parameters)
        }, size: Int(clamping: attempt.content.size))
        transaction.body = envelope.body
        if envelope.body == .sevenBit, envelope.content.contains(.eightBitBody) { transaction.body = .eightBitMIME }
        transaction.smtpUTF8 = envelope.smtpUTF8
        transaction.requireTLS = envelope.requireTLS && dialect == .smtp
        transaction.hasEightBitHeader = envelope.content.contains(.eightBitHeader)
        transaction.returnContent = envelope.returnContent
        transaction.envelopeID = envelope.envelopeID
        return transaction
    }

    /// Whether another connection may be tried for what this one did not get to.
    private var mayTryAnother: Bool {
        if isReused { return true }
        return sessionsTried < agent.settings.maxSessions && addressesTried < agent.settings.maxAddresses
            && !(hosts.isEmpty && endpoints.isEmpty)
    }

    private func take(_ result: TransactionResult, from connection: SMTPConnection) {
        if result.recipients.contains(.unsuitable(.nextHopWithoutREQUIRETLS)), sessionsTried + 1 < agent.settings.maxSessions, !hosts.isEmpty {
            // Another host of the domain may offer it (RFC 8689 §4.2.1).
            sessionsTried += 1
            endpoints = []
            ConnectionLease(connection, pool: agent.pool).release()
            return pass(.init(connection.host, connection.endpoint, .withheld(.requireTLSNotOffered), tls: connection.tlsText))
        }
        let reading = SMTPResultReading(dialect: dialect, offeredDSN: result.offeredDSN, remote: remote, host: connection.host,
                                        endpoint: connection.endpoint)
        if connection.isEnded, !isReused { sessionsTried += 1 }
        let goesOn = connection.isEnded && mayTryAnother
        var left: [UInt16] = []
        for (recipient, answer) in zip(recipients, result.recipients) {
            if goesOn, answer.isOfTheSession {
                left.append(recipient)
                obstacle = SMTPObstacle(connection.host, connection.endpoint, answer: answer, tls: connection.tlsText) ?? obstacle
            } else {
                outcomes.append(RecipientDelivery(recipient: recipient, outcome: reading.outcome(answer)))
                feedback = feedback.combined(with: reading.feedback(answer))
            }
        }
        recipients = left
        guard left.isEmpty else {
            // A connection that was kept too long says nothing about its host.
            if !isReused { agent.avoid(connection.key) }
            return connect()
        }
        report(connection.isEnded ? nil : ConnectionLease(connection, pool: agent.pool))
    }

    private func report(_ lease: ConnectionLease?) {
        completion(AttemptReport(host: remote, ended: agent.loop.now, outcomes: outcomes, feedback: feedback), lease)
    }
}

extension SMTPAttempt: SMTPConnectionUser {
    func connectionFailed(_ connection: SMTPConnection, _ error: ConnectionError) {
        agent.avoid(connection.key)
        pass(SMTPObstacle(connection.host, connection.endpoint, .connection(error)))
    }

    func connectionReady(_ connection: SMTPConnection) {
        noteTLS(of: connection)
        agent.health.worked(connection.key)
        begin(on: connection)
    }

    func connection(_ connection: SMTPConnection, finished result: TransactionResult) {
        connection.user = nil
        take(result, from: connection)
    }

    /// The session ended before a transaction could begin.
    func connectionEnded(_ connection: SMTPConnection, _ end: ClientEnd) {
        noteTLS(of: connection)
        if let failure = connection.tls?.failure, connection.clearBecause == nil,
           connection.host.tls.allowsClear, connection.host.tlsStart == .startTLS {
            // What nobody asked to be protected goes in the clear rather than not at all (RFC 7435 §3); the event says so.
            let now = agent.loop.now
            agent.brokenTLS.failed(failure, at: connection.endpoint, until: now + agent.settings.brokenTLSMemory, now: now)
            return open(connection.endpoint, connection.host, clearBecause: failure)
        }
        sessionsTried += 1
        agent.avoid(connection.key)
        pass(SMTPObstacle(connection.host, connection.endpoint, .opening(end), tls: connection.tlsText))
    }

    private func noteTLS(of connection: SMTPConnection) {
        guard let observer = agent.tlsObserver, let tls = connection.tls, tls.result != .notWanted else { return }
        observer.noted(tls, host: connection.host, endpoint: connection.endpoint, destination: attempt.destination)
    }
}
