import MessageFormat
import Ports

extension BatonConfiguration {
    /// Public networks wider than these are nobody's own (prefix lengths in bits).
    private static let minPublicPrefix = (v4: 16, v6: 32)

    /// Reports every rule by which a stranger could send to anybody: nobody may run an open relay by mistake.
    func verifyRelaying(_ check: inout Check) {
        let isReachable = listeners.contains { !$0.address.isLocal }
        if isReachable {
            for (index, network) in relayNetworks.enumerated() {
                verify(network, "relayNetworks[\(index)]", "opens the relay: every client in it may send to anybody", &check)
            }
        }
        for (index, listener) in listeners.enumerated() where !listener.address.isLocal {
            for (place, network) in listener.proxyProtocol.enumerated() {
                verify(network, "listeners[\(index)].proxyProtocol[\(place)]",
                       "opens the relay: every client in it may claim to come from a relay network", &check)
            }
            for (place, network) in listener.xclient.enumerated() {
                verify(network, "listeners[\(index)].xclient[\(place)]",
                       "opens the relay: every client in it may claim to come from a relay network", &check)
            }
        }
        for (index, pattern) in relayDomains.enumerated() where pattern.isBelow && pattern.domain.labels.count < 2 {
            check.report("relayDomains[\(index)]", "'\(pattern)' opens the relay: mail for all of '.\(pattern.domain)' would be taken from anybody")
        }
    }

    private func verify(_ network: IPNetwork, _ path: String, _ consequence: String, _ check: inout Check) {
        guard !network.isPrivate else { return }
        let min = network.address.isIPv4 ? BatonConfiguration.minPublicPrefix.v4 : BatonConfiguration.minPublicPrefix.v6
        if network.prefixLength < min {
            check.report(path, "'\(network)' \(consequence); expected public networks of /\(min) or narrower")
        }
    }
}

extension IPNetwork {
    /// Networks that are not routed on the Internet (RFC 6890).
    private static let privateNetworks = [
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    ].compactMap { IPNetwork($0) }

    /// Whether no address of this network can be reached from the Internet.
    var isPrivate: Bool {
        IPNetwork.privateNetworks.contains { $0.contains(address) && $0.prefixLength <= prefixLength }
    }
}
