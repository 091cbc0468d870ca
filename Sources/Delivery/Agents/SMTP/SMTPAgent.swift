import DNS
import Events
import MailQueue
import Ports
import SMTP

/// Delivers by SMTP (RFC 5321) and LMTP (RFC 2033), over connections that it keeps for more.
///
/// An attempt takes an idle connection to the best host of its next hop, or connects: to the hosts in
/// their order, each at its addresses, until one takes the message or refuses it for a reason of its
/// own. Hosts that could not be used are tried last for a while.
///
/// Confined to the core loop; `@unchecked Sendable` so that completions of that loop may hold it.
public final class SMTPAgent: DeliveryAgent, @unchecked Sendable {
    let loop: any Loop
    let dialer: any Dialer
    let addressFinder: HostAddressFinder
    private(set) var settings: SMTPAgentSettings
    private(set) var own: OwnHost
    let pool: ConnectionPool
    var health = HostHealth()
    var brokenTLS = BrokenTLS()
    /// Hears what became of TLS on each connection.
    public weak var tlsObserver: (any TLSOutcomeObserver)?
    private let random: any RandomSource

    /// An agent that lives on `loop`.
    public init(loop: any Loop, dialer: any Dialer, resolver: any Resolver, random: any RandomSource, own: OwnHost,
                settings: SMTPAgentSettings) {
        self.loop = loop
        self.dialer = dialer
        self.random = random
        self.own = own
        self.settings = settings
        addressFinder = HostAddressFinder(resolver: resolver, preference: settings.addressPreference, loop: loop)
        pool = ConnectionPool(loop: loop, settings: settings)
    }

    /// Puts other settings in force, for connections that are made from now on and for how long all are kept.
    public func apply(_ settings: SMTPAgentSettings, own: OwnHost) {
        self.settings = settings
        self.own = own
        addressFinder.preference = settings.addressPreference
        pool.settings = settings
    }

    public func deliver(_ request: DeliveryRequest, completion: @escaping (AttemptReport, (any DeliveryLease)?) -> Void) {
        switch request.nextHop {
        case .smtp(let hosts): SMTPAttempt(request.attempt, to: hosts.map { $0.chosen(for: request.attempt.envelope.reversePath) }, .smtp, agent: self, completion).start()
        case .lmtp(let hosts): SMTPAttempt(request.attempt, to: hosts, .lmtp, agent: self, completion).start()
        case .maildir, .sandbox, .discard:
            preconditionFailure("a next hop of another agent")
        }
    }

    public func stop() { pool.stop() }

    /// Connections that wait for work.
    public var idleConnections: Int { pool.idleCount }

    /// Octets for SCRAM that no connection had before.
    var nonce: [UInt8] {
        (0..<3).flatMap { _ in withUnsafeBytes(of: random.next().bigEndian, Array.init) }
    }

    /// The key of connections to `host`.
    func key(_ host: HopHost, _ dialect: Dialect) -> ConnectionKey {
        ConnectionKey(host, dialect: dialect, settings: settings)
    }

    /// `hosts` as one attempt tries them: those that failed lately last, the best ones in random order.
    ///
    /// Hosts without preference are those of a configured route: their order is meant.
    func ordered(_ hosts: [HopHost], _ dialect: Dialect) -> (hosts: [HopHost], equals: Int) {
        guard hosts.count > 1 else { return (hosts, hosts.count) }
        var hosts = hosts
        var usable = hosts.count
        if !health.isClean {
            let now = loop.now
            let avoided = hosts.filter { health.isAvoided(key($0, dialect), at: now) }
            if !avoided.isEmpty, avoided.count < hosts.count {
                hosts.removeAll { avoided.contains($0) }
                usable = hosts.count
                hosts += avoided
            }
        }
        var equals = 1
        while equals < usable, hosts[0].preference > 0, hosts[equals].preference == hosts[0].preference { equals += 1 }
        for index in 0..<equals where equals > 1 {
            hosts.swapAt(index, index + Int(random.next(below: UInt64(equals - index))))
        }
        return (hosts, equals)
    }

    /// The host could not be used: others go first for a while.
    func avoid(_ key: ConnectionKey) {
        health.failed(key, until: loop.now + settings.hostAvoidance, now: loop.now)
    }
}
