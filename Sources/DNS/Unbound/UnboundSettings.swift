import Ports

/// How questions reach the network.
public struct UnboundSettings: Hashable, Sendable {
    /// Whom the resolver asks.
    public enum Upstream: Hashable, Sendable {
        /// The root servers and on from there.
        case rootServers
        /// The servers that a `resolv.conf` names.
        case system(resolvConf: String)
        /// These servers; only endpoints of the `ip` kind are used.
        case forwarders([SocketEndpoint])
    }

    /// Whom the resolver asks.
    public var upstream = Upstream.rootServers
    /// A file of DS or DNSKEY records that validation starts from; without one nothing is secure.
    public var trustAnchorFile: String?
    /// A file in the form of `/etc/hosts` whose addresses go before DNS.
    public var hostsFile: String?
    /// How long one question may take.
    public var timeout = Duration.seconds(30)
    /// How many questions may be on the network at once.
    public var maxOutstanding = 256
    /// How many questions may wait for their turn; further ones fail at once.
    public var maxWaiting = 20_000
    /// How many answers are kept in front of the library's own cache.
    public var maxCachedAnswers = 10_000

    /// The documented defaults.
    public init() {}
}

/// Why the resolver could not start.
public struct ResolverStartError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being set.
    public let setting: String
    /// What the library says.
    public let reason: String

    /// `trust anchor /etc/root.key: syntax error`.
    public var description: String { "\(setting): \(reason)" }
}
