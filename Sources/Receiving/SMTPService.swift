import DNS
import Events
import MailQueue
import Ports
import Synchronization

/// Takes SMTP and LMTP connections: admits them, gives each a session, and ends them all at shutdown.
///
/// Callable from any thread; each session lives on the loop of its connection.
public final class SMTPService: Sendable {
    let intake: any MessageIntake
    let mint: QueueIDMint
    let proxyProtocol: (any ProxyProtocol)?
    let observer: (any ReceivingObserver)?
    let resolver: (any Resolver)?
    let engine: PolicyEngine

    private struct State {
        var settings: ReceivingSettings
        var limiter = ConnectionLimiter()
        var sessions: [ObjectIdentifier: LoopConfined<SessionDriver>] = [:]
        var isShuttingDown = false
        var lastExchange: UInt64 = 0
        var whenEmpty: [@Sendable () -> Void] = []
    }
    private let state: Mutex<State>

    /// A service that puts messages into `intake` under ids from `mint`; without `resolver` clients go by their addresses.
    public init(settings: ReceivingSettings = ReceivingSettings(), intake: any MessageIntake, mint: QueueIDMint,
                resolver: (any Resolver)? = nil, engine: PolicyEngine = PolicyEngine(), proxyProtocol: (any ProxyProtocol)? = nil,
                observer: (any ReceivingObserver)? = nil) {
        self.intake = intake
        self.mint = mint
        self.resolver = resolver
        self.engine = engine
        self.proxyProtocol = proxyProtocol
        self.observer = observer
        state = Mutex(State(settings: settings))
    }

    /// The handler for a new connection on `loop`, whose session keeps `policy` to its end.
    public func makeHandler(_ policy: ListenerPolicy, on loop: any Loop) -> any ConnectionHandler {
        SessionDriver(service: self, policy: policy, loop: loop)
    }

    /// Takes over new limits; connections that are open stay.
    public func update(_ settings: ReceivingSettings) { state.withLock { $0.settings = settings } }

    /// How many sessions are open.
    public var sessionCount: Int { state.withLock { $0.sessions.count } }

    /// Ends every session between two transactions with 421; calls `completion` when none is left, on no particular thread.
    public func shutDown(completion: @escaping @Sendable () -> Void) {
        let sessions: [LoopConfined<SessionDriver>] = state.withLock { state in
            state.isShuttingDown = true
            if !state.sessions.isEmpty { state.whenEmpty.append(completion) }
            return Array(state.sessions.values)
        }
        if sessions.isEmpty { return completion() }
        for session in sessions { session.loop.run { session.value.shutDown() } }
    }

    /// Cuts every session off at once.
    public func abort() {
        let sessions = state.withLock { Array($0.sessions.values) }
        for session in sessions { session.loop.run { session.value.abort() } }
    }
}

extension SMTPService {
    /// What a session needs to know when it begins.
    struct Admission {
        var result: ConnectionLimiter.Admission
        /// Who was counted; nil for clients that are not.
        var client: ConnectionLimiter.Client?
        var isUnderStress: Bool
        var settings: ReceivingSettings
    }

    var settings: ReceivingSettings { state.withLock { $0.settings } }

    func register(_ driver: SessionDriver, on loop: any Loop) {
        let isShuttingDown = state.withLock { state in
            state.sessions[ObjectIdentifier(driver)] = LoopConfined(driver, to: loop)
            return state.isShuttingDown
        }
        if isShuttingDown { driver.shutDown() }
    }

    func unregister(_ driver: SessionDriver) {
        let waiting: [@Sendable () -> Void] = state.withLock { state in
            state.sessions[ObjectIdentifier(driver)] = nil
            guard state.sessions.isEmpty else { return [] }
            defer { state.whenEmpty = [] }
            return state.whenEmpty
        }
        for completion in waiting { completion() }
    }

    /// Counts a connection of `address` in; nil for clients that are not counted by themselves.
    func admit(_ address: IPAddress?, to policy: ListenerPolicy, at now: Timestamp) -> Admission {
        state.withLock { state in
            var settings = state.settings
            var client = address.map { ConnectionLimiter.Client(network: SMTPService.network(of: $0, settings)) }
            if let limit = policy.maxConnectionsPerClient {
                client?.listener = policy.name
                settings.maxConnectionsPerClient = limit
            }
            let result = state.limiter.admit(client, at: now, under: settings)
            let isUnderStress = Double(state.limiter.open) >= Double(settings.maxConnections) * settings.stressShare
            return Admission(result: result, client: client, isUnderStress: isUnderStress, settings: settings)
        }
    }

    /// A number that no other exchange of authentication has.
    func nextExchange() -> UInt64 {
        state.withLock { state in
            state.lastExchange &+= 1
            return state.lastExchange
        }
    }

    /// Counts a connection out that `admit` counted in.
    func release(_ admission: Admission) {
        state.withLock { $0.limiter.close(admission.client) }
    }

    private static func network(of address: IPAddress, _ settings: ReceivingSettings) -> IPNetwork {
        let length = if case .v4 = address { settings.ipv4PrefixLength } else { settings.ipv6PrefixLength }
        return IPNetwork(containing: address, prefixLength: length)
    }
}
