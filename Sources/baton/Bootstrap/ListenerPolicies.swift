import Configuration
import Ports
import Receiving
import Sockets
import Synchronization

/// What the sessions of each listener are told; replaced as a whole by a reload, while sessions keep what they began with.
final class ListenerPolicies: Sendable {
    private let policies: Mutex<[ListenerPolicy]>
    private let certificates: ListenerCertificates?

    /// The policies of the configuration's listeners, in its order; without `certificates` they speak no TLS.
    init(_ configuration: BatonConfiguration, certificates: ListenerCertificates? = nil) {
        self.certificates = certificates
        policies = Mutex(ListenerPolicies.make(configuration, certificates))
    }

    /// The policy of the listener with this index.
    subscript(index: Int) -> ListenerPolicy { policies.withLock { $0[index] } }

    /// The policy of the submit socket, behind those of the listeners.
    var submit: ListenerPolicy { policies.withLock { $0[$0.count - 1] } }

    /// Puts another configuration in force; it must have the same listeners.
    func update(_ configuration: BatonConfiguration) {
        let new = ListenerPolicies.make(configuration, certificates)
        policies.withLock { $0 = new }
    }

    private static func make(_ configuration: BatonConfiguration, _ certificates: ListenerCertificates?) -> [ListenerPolicy] {
        let rules = configuration.addressRules
        let cleanup = configuration.cleanupSettings
        var submit = ListenerConfiguration()
        submit.dialect = .submission
        submit.address = .endpoint(.unix(path: configuration.control.submitSocket))
        return (configuration.listeners + [submit]).enumerated().map { index, listener in
            ListenerPolicy(
                name: listener.address.description, session: configuration.serverSettings(of: listener), rules: rules, cleanup: cleanup,
                xclientNetworks: listener.xclient, xforwardNetworks: listener.xforward,
                proxyNetworks: listener.proxyProtocol.isEmpty ? nil : listener.proxyProtocol,
                maxConnectionsPerClient: listener.maxConnectionsPerClient, policy: configuration.policySettings(of: listener),
                tls: certificates?[index])
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
