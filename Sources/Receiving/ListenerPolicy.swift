import MailQueue
import MessageFormat
import Ports
import SMTP

/// All that one listener's sessions need to know; immutable, so that a session keeps what it began with over a reload.
public final class ListenerPolicy: Sendable {
    /// The configured name of the listener.
    public let name: String
    /// Which recipients are served, and for whom.
    public let rules: AddressRules
    /// Peers that may use XCLIENT.
    public let xclientNetworks: [IPNetwork]
    /// Peers that may use XFORWARD.
    public let xforwardNetworks: [IPNetwork]
    /// Peers that put a PROXY header in front of the session; nil when the listener takes none.
    public let proxyNetworks: [IPNetwork]?
    /// Connections that one client may have open here; nil when it has its share of all listeners.
    public let maxConnectionsPerClient: Int?
    /// The rules against abuse; nil when none looks at anything.
    public let policy: PolicySettings?

    /// How TLS is spoken; nil when it is not.
    public let tls: ListenerTLS?
    /// How clients authenticate; nil when they cannot.
    public let submission: SubmissionRules?

    /// Whether and how senders are verified; nil when they are not.
    public let verification: VerificationSettings?

    /// What the door to the queue does to messages that come in here.
    public let cleanup: Cleanup
    let completion: HeaderCompletion
    /// For clients at large.
    let profile: ServerProfile
    /// For clients that may relay: the limits that keep strangers in bounds do not apply.
    let relayProfile: ServerProfile

    /// Prepares the policy of a listener.
    public init(name: String, session: ServerSettings, rules: AddressRules, cleanup: CleanupSettings,
                xclientNetworks: [IPNetwork] = [], xforwardNetworks: [IPNetwork] = [], proxyNetworks: [IPNetwork]? = nil,
                maxConnectionsPerClient: Int? = nil, tls: ListenerTLS? = nil, submission: SubmissionRules? = nil,
                policy: PolicySettings = PolicySettings(), verification: VerificationSettings? = nil,
                signing: SigningRules? = nil, sealing: SealingRules? = nil) {
        self.name = name
        self.rules = rules
        self.xclientNetworks = xclientNetworks
        self.xforwardNetworks = xforwardNetworks
        self.proxyNetworks = proxyNetworks
        self.maxConnectionsPerClient = maxConnectionsPerClient
        self.tls = tls
        var session = session
        session.offersStartTLS = tls?.start == .startTLS
        session.requiresTLS = tls?.isRequired ?? false
        self.submission = submission
        self.policy = policy.isOff ? nil : policy
        self.verification = verification
        self.cleanup = Cleanup(settings: cleanup, aliases: rules,
                               signing: signing.flatMap { $0.mayApply(toListener: name) ? $0 : nil }, sealing: sealing)
        completion = session.dialect == .submission ? .submission : .none
        profile = ServerProfile(session)
        var trusted = session
        trusted.maxMessages = .max
        // Who may relay by his address need not say who he is.
        trusted.authentication?.use = .optional
        trusted.softErrorLimit = .max
        trusted.hardErrorLimit = .max
        trusted.maxJunkCommands = .max
        relayProfile = ServerProfile(trusted)
    }

    /// What the peer at `endpoint` may do beside sending mail.
    func permissions(for endpoint: SocketEndpoint) -> Permissions {
        guard case .ip(let address, _) = endpoint else { return [] }
        var permissions: Permissions = []
        if xclientNetworks.contains(where: { $0.contains(address) }) { permissions.insert(.xclient) }
        if xforwardNetworks.contains(where: { $0.contains(address) }) { permissions.insert(.xforward) }
        return permissions
    }

    /// Whether the peer at `endpoint` is one of the proxies.
    func isProxy(_ endpoint: SocketEndpoint) -> Bool {
        guard case .ip(let address, _) = endpoint, let proxyNetworks else { return false }
        return proxyNetworks.contains { $0.contains(address) }
    }
}
