import MessageFormat
import Ports
import SMTP

/// Where a site's mail is handed over, resolved as far as it can be before connecting.
public enum NextHop: Hashable, Sendable {
    /// SMTP to one of `hosts`, tried in their order.
    case smtp(hosts: [HopHost])
    /// LMTP (RFC 2033) to one of `hosts`, tried in their order.
    case lmtp(hosts: [HopHost])
    /// A Maildir a recipient, below this path template.
    case maildir(path: String)
    /// The folder that catches mail for looking at.
    case sandbox(path: String)
    /// Nowhere: the mail is accepted and dropped, and recorded so.
    case discard
}

/// A host of a next hop; its addresses are looked up when a connection is made.
public struct HopHost: Hashable, Sendable {
    /// Where the host is found.
    public enum Location: Hashable, Sendable {
        /// A host name as lower-case A-labels.
        case name(String)
        /// An address, of a literal or of a route that gives one.
        case address(IPAddress)
        /// A Unix socket.
        case unix(path: String)
    }

    /// Where it is found.
    public var location: Location
    /// The TCP port; 0 for a Unix socket.
    public var port: UInt16
    /// The preference of its MX record, lower first; 0 for hosts of a route, whose order is their preference.
    public var preference: UInt16
    /// Who this host is there; nil where nobody asks.
    public var credentials: HopCredentials?
    /// The account for the mail at hand, chosen from `credentials`.
    private(set) var authentication: ClientAuthentication?

    /// How connections to it must be protected.
    public var tls: TLSPolicy
    /// The same for messages that say something about TLS; nil for hosts that the configuration names.
    public var tlsWhenAsked: TLSPoliciesWhenAsked?
    /// When TLS begins.
    public var tlsStart: TLSStart

    /// A host of a next hop.
    public init(_ location: Location, port: UInt16, preference: UInt16 = 0, tls: TLSPolicy = .opportunistic,
                tlsStart: TLSStart = .startTLS) {
        self.location = location
        self.port = port
        self.preference = preference
        self.tls = tls
        self.tlsStart = tlsStart
    }

    /// The name that is asked for in the handshake; an address has none (RFC 6066 §3).
    var serverName: String? { if case .name(let name) = location { tls.serverName ?? name } else { nil } }

    /// The host with the policy for a message that says this about TLS.
    func protected(for message: MessageTLS) -> HopHost {
        var host = self
        switch message {
        case .ordinary: break
        case .required: host.tls = tlsWhenAsked?.required ?? requiredOfConfigured
        // What the configuration asks for stays.
        case .waived: host.tls = tlsWhenAsked?.waived ?? tls
        }
        return host
    }

    /// REQUIRETLS at a host that the configuration names, and so proves.
    private var requiredOfConfigured: TLSPolicy {
        if tls.isProven { return tls }
        guard tls != .none else { return .withheld(.clearByConfiguration) }
        if case .name(let name) = location { return .verify(names: [name]) }
        return .withheld(.hostNotProven)
    }

    /// The host as mail from `reversePath` finds it.
    func chosen(for reversePath: ReversePath) -> HopHost {
        guard let credentials else { return self }
        var host = self
        host.authentication = credentials.authentication(for: reversePath)
        return host
    }

    /// The name that reports and `SiteKey` use, without the port.
    public var name: String {
        switch location {
        case .name(let name): name
        case .address(let address): address.description
        case .unix(let path): path
        }
    }
}
