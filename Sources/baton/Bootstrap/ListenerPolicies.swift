import Configuration
import MailQueue
import Ports
import Receiving
import Sockets
import Synchronization

/// What the sessions of each listener are told; replaced as a whole by a reload, while sessions keep what they began with.
final class ListenerPolicies: Sendable {
    private let policies: Mutex<[ListenerPolicy]>
    private let certificates: ListenerCertificates?
    private let keeper: AccountKeeper?

    /// The policies of the configuration's listeners, in its order; without `certificates` they speak no TLS, without
    /// `keeper` nobody authenticates, without `signing` nothing is signed, without `sealing` nothing sealed.
    init(_ configuration: BatonConfiguration, certificates: ListenerCertificates? = nil, keeper: AccountKeeper? = nil,
         signing: SigningRules? = nil, sealing: SealingRules? = nil) {
        self.certificates = certificates
        self.keeper = keeper
        policies = Mutex(ListenerPolicies.make(configuration, certificates, keeper, signing, sealing))
    }

    /// The policy of the listener with this index.
    subscript(index: Int) -> ListenerPolicy { policies.withLock { $0[index] } }

    /// The policy of the submit socket, behind those of the listeners.
    var submit: ListenerPolicy { policies.withLock { $0[$0.count - 1] } }

    /// Puts another configuration in force; it must have the same listeners.
    func update(_ configuration: BatonConfiguration, signing: SigningRules? = nil, sealing: SealingRules? = nil) {
        let new = ListenerPolicies.make(configuration, certificates, keeper, signing, sealing)
        policies.withLock { $0 = new }
    }

    private static func make(_ configuration: BatonConfiguration, _ certificates: ListenerCertificates?,
                             _ keeper: AccountKeeper?, _ signing: SigningRules?, _ sealing: SealingRules?) -> [ListenerPolicy] {
        let rules = configuration.addressRules
        let cleanup = configuration.cleanupSettings
        var submit = ListenerConfiguration()
        submit.dialect = .submission
        submit.authentication = ListenerAuthentication.none
        submit.address = .endpoint(.unix(path: configuration.control.submitSocket))
        return (configuration.listeners + [submit]).enumerated().map { index, listener in
            ListenerPolicy(
                name: listener.address.description, session: configuration.serverSettings(of: listener), rules: rules, cleanup: cleanup,
                xclientNetworks: listener.xclient, xforwardNetworks: listener.xforward,
                proxyNetworks: listener.proxyProtocol.isEmpty ? nil : listener.proxyProtocol,
                maxConnectionsPerClient: listener.maxConnectionsPerClient, tls: certificates?[index],
                submission: configuration.submissionRules(of: listener, keeper), policy: configuration.policySettings(of: listener),
                verification: configuration.verificationSettings(of: listener), signing: signing, sealing: sealing)
        }
    }
}

/// The PROXY header reader of the network target, as the receiving side wants it.
struct NetworkProxyProtocol: ProxyProtocol {
    func read(_ bytes: UnsafeRawBufferPointer) -> ProxyProtocolResult {
        switch ProxyHeader.parse(bytes) {
        case .incomplete: .incomplete
        case .invalid: .invalid
        case .complete(let header):
            .complete(length: header.length, source: header.addresses?.source, destination: header.addresses?.destination)
        }
    }
}
