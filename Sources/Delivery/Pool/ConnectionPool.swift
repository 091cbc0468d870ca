import Ports
import SMTP

/// Keeps open connections for the next message to the same host.
///
/// The last one that became free is used first, so that those that are too many age and quit.
final class ConnectionPool {
    private let loop: any Loop
    var settings: SMTPAgentSettings
    private var idle: [ConnectionKey: [SMTPConnection]] = [:]
    /// Connections that wait for work.
    private(set) var idleCount = 0
    private var isStopped = false

    init(loop: any Loop, settings: SMTPAgentSettings) {
        self.loop = loop
        self.settings = settings
    }

    /// Takes an idle connection out.
    func take(_ key: ConnectionKey) -> SMTPConnection? {
        while idleCount > 0, let connection = idle[key]?.popLast() {
            idleCount -= 1
            if idle[key]?.isEmpty == true { idle[key] = nil }
            // One that quits at this moment stays in the list until it is gone.
            if connection.canBegin { return connection }
        }
        return nil
    }

    /// Watches over a connection whose attempt is over until it is released.
    func hold(_ connection: SMTPConnection) { connection.user = self }

    /// Keeps a connection that `hold` was called for, or lets it quit when it has done its share.
    func put(_ connection: SMTPConnection) {
        guard !connection.isEnded else { return }
        let retirement = connection.openedAt + settings.maxConnectionAge
        guard !isStopped, connection.canBegin, connection.transactionCount < settings.maxMessagesPerConnection,
              idleCount < settings.maxIdleConnections, loop.now < retirement else { return connection.quit() }
        idle[connection.key, default: []].append(connection)
        idleCount += 1
        connection.idle(until: min(loop.now + settings.idleTimeout, retirement))
    }

    /// Quits all idle connections and every one that comes back.
    func stop() {
        isStopped = true
        let connections = idle.values.flatMap { $0 }
        idle = [:]
        idleCount = 0
        for connection in connections { connection.quit() }
    }

    private func remove(_ connection: SMTPConnection) {
        guard let index = idle[connection.key]?.firstIndex(where: { $0 === connection }) else { return }
        idle[connection.key]?.remove(at: index)
        idleCount -= 1
        if idle[connection.key]?.isEmpty == true { idle[connection.key] = nil }
    }
}

extension ConnectionPool: SMTPConnectionUser {
    func connectionFailed(_ connection: SMTPConnection, _ error: ConnectionError) {}
    func connectionReady(_ connection: SMTPConnection) {}
    func connection(_ connection: SMTPConnection, finished result: TransactionResult) {}
    func connectionEnded(_ connection: SMTPConnection, _ end: ClientEnd) { remove(connection) }
}

/// A connection between two messages: held until the outcome of the first is in the log.
final class ConnectionLease: DeliveryLease {
    private let connection: SMTPConnection
    private let pool: ConnectionPool
    private var isOpen = true

    init(_ connection: SMTPConnection, pool: ConnectionPool) {
        self.connection = connection
        self.pool = pool
        pool.hold(connection)
    }

    func release() {
        guard isOpen else { return }
        isOpen = false
        pool.put(connection)
    }

    func discard() {
        guard isOpen else { return }
        isOpen = false
        connection.quit()
    }
}
