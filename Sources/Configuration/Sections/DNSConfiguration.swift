import Ports

/// Where DNS answers come from.
public struct DNSConfiguration: Hashable, Sendable {
    /// Whom the resolver asks.
    public enum Upstream: Hashable, Sendable {
        /// The root servers and on from there.
        case rootServers
        /// The servers of `/etc/resolv.conf`.
        case system
        /// These servers.
        case forwarders([SocketEndpoint])
    }

    /// A zone file that stands in for the network.
    public var zone: String?
    /// Whom the resolver asks.
    public var forwarders = Upstream.rootServers
    /// The trust anchors of DNSSEC; nil for no validation.
    public var trustAnchor: String? = "/usr/share/dns/root.key"
    /// A file of host names whose addresses go before DNS.
    public var hostsFile: String?
    /// How long one question may take.
    public var timeout = Duration.seconds(30)
    /// Questions on the network at once.
    public var maxOutstanding = 256

    /// The documented defaults.
    public init() {}

    static var keys: [Key<DNSConfiguration>] { [
        .value("forwarders", \.forwarders, .upstream,
               "Whom Baton's own resolver asks: `root` for the root servers and on from there, `system` for the servers of /etc/resolv.conf, or a list of servers.",
               effect: .restart),
        .value("trustAnchor", \.trustAnchor, .either("none", or: .path("path")),
               "A file of DS or DNSKEY records that DNSSEC validation starts from (package dns-root-data); `none` for no validation.",
               effect: .restart, reference: "RFC 4035"),
        .optional("hostsFile", \.hostsFile, .path(), otherwise: "names come from DNS alone",
                  "A file in the form of /etc/hosts whose addresses go before DNS.", effect: .restart),
        .value("timeout", \.timeout, .duration(.milliseconds(100) ... .minutes(5)), "How long one question may take.", effect: .restart),
        .value("maxOutstanding", \.maxOutstanding, .count(1...4096), "Questions on the network at once; further ones wait.", effect: .restart),
        .optional("zone", \.zone, .path(), otherwise: "the network is asked",
                  "For tests: a JSON file that stands in for all of DNS (its format is below). Nothing is asked of the network then.",
                  effect: .restart),
    ] }
}

extension ValueType where Value == DNSConfiguration.Upstream {
    /// `root`, `system` or a list of servers.
    static var upstream: ValueType {
        let servers = ValueType<[SocketEndpoint]>.list(of: .server(defaultPort: 53), count: 1...16)
        return ValueType(name: "root, system or list of server addresses", read: { node, path, check in
            if node.word == "root" { return .rootServers }
            if node.word == "system" { return .system }
            return servers.read(node, path, &check).map { .forwarders($0) }
        }, text: { upstream in
            switch upstream {
            case .rootServers: "root"
            case .system: "system"
            case .forwarders(let list): servers.text(list)
            }
        })
    }
}
