import Ports

/// Counts connections, in all and by client.
struct ConnectionLimiter: Sendable {
    /// Whether a connection may go on.
    enum Admission: Hashable, Sendable {
        case admitted
        /// The server is full.
        case tooMany
        /// The client has its share.
        case tooManyFromClient
    }

    /// Whose connections are counted together.
    struct Client: Hashable, Sendable {
        let network: IPNetwork
        /// The listener that counts its clients by itself; nil for all that do not.
        var listener: String?
    }

    private struct Count {
        var open = 0
        var windowStart: Timestamp
        var openedInWindow = 0
    }

    private var clients: [Client: Count] = [:]
    private(set) var open = 0
    /// Clients remembered from which on those without connections are forgotten.
    private var sweepAt = ConnectionLimiter.minSweep

    private static let minSweep = 1024
    private static let window = Duration.minutes(1)

    /// Counts a connection in; whatever the answer, `close` must be called for it.
    mutating func admit(_ client: Client?, at now: Timestamp, under settings: ReceivingSettings) -> Admission {
        open += 1
        var fits = true
        if let client {
            sweep(at: now)
            var entry = clients[client] ?? Count(windowStart: now)
            if now - entry.windowStart >= ConnectionLimiter.window {
                entry.windowStart = now
                entry.openedInWindow = 0
            }
            entry.open += 1
            entry.openedInWindow += 1
            clients[client] = entry
            fits = entry.open <= settings.maxConnectionsPerClient && entry.openedInWindow <= settings.maxConnectionRate
        }
        if open > settings.maxConnections { return .tooMany }
        return fits ? .admitted : .tooManyFromClient
    }

    /// Counts a connection out.
    mutating func close(_ client: Client?) {
        open -= 1
        if let client, let entry = clients[client] { clients[client]?.open = max(0, entry.open - 1) }
    }

    /// Clients that are remembered.
    var clientCount: Int { clients.count }

    /// Forgets clients without connections, now and then, so that a botnet cannot fill the memory.
    private mutating func sweep(at now: Timestamp) {
        guard clients.count >= sweepAt else { return }
        clients = clients.filter { $0.value.open > 0 || now - $0.value.windowStart < ConnectionLimiter.window }
        sweepAt = max(ConnectionLimiter.minSweep, clients.count * 2)
    }
}
