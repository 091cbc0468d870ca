import Ports

/// What this host is called and where it listens, so that it does not deliver to itself (RFC 5321 §5.1).
public struct OwnHost: Sendable {
    /// Its names as lower-case A-labels.
    public var names: Set<String>
    /// Its addresses, as far as they are known.
    public var addresses: Set<IPAddress>
    /// Where it takes mail by SMTP; an address of all zeros stands for every address.
    public var listeners: [SocketEndpoint]

    /// A host.
    public init(names: Set<String>, addresses: Set<IPAddress> = [], listeners: [SocketEndpoint] = []) {
        self.names = names
        self.addresses = addresses
        self.listeners = listeners
    }

    /// Whether a connection to this address and port would come back here.
    public func listens(at address: IPAddress, port: UInt16) -> Bool {
        let address = address.unmapped
        return listeners.contains { listener in
            guard case .ip(let own, let ownPort) = listener, ownPort == port else { return false }
            if own.unmapped == address { return true }
            return own.isUnspecified && (address.isLoopback || address.isUnspecified || addresses.contains(address))
        }
    }
}

extension IPAddress {
    /// Whether this is 0.0.0.0 or ::, which a connection takes for this host.
    var isUnspecified: Bool {
        switch unmapped {
        case .v4(let bits): bits == 0
        case .v6(let high, let low): high == 0 && low == 0
        }
    }
}
