import DNS
import Ports

/// The hosts that a big sender's next attempt may come from: to greylisting they are one client.
enum ClientPool: Hashable, Sendable, CustomStringConvertible {
    /// Whoever SPF lets send for this domain.
    case authorised(String)
    /// Hosts whose confirmed names lie in this domain.
    case named(String)
    /// Neighbours: a /24, or a /64 of IPv6.
    case network(IPNetwork)

    /// The widest pool that is known for certain.
    init(_ address: IPAddress, name: String?, authorisedBy domain: String?) {
        if let domain {
            self = .authorised(domain.lowercased())
        } else if let name, !ClientPool.isGeneric(name, address) {
            self = .named(ClientPool.domain(of: name))
        } else {
            let length = if case .v4 = address.unmapped { 24 } else { 64 }
            self = .network(IPNetwork(containing: address.unmapped, prefixLength: length))
        }
    }

    var description: String {
        switch self {
        case .authorised(let domain): "spf \(domain)"
        case .named(let domain): "name \(domain)"
        case .network(let network): "net \(network)"
        }
    }

    /// Whether a name is made of the address, as providers name their customers: those are no pool.
    private static func isGeneric(_ name: String, _ address: IPAddress) -> Bool {
        guard case .v4(let bits) = address.unmapped else { return false }
        let numbers = Set(name.split { !$0.isNumber }.map { $0.drop { $0 == "0" } })
        let octets = [bits >> 24, bits >> 16 & 255, bits >> 8 & 255, bits & 255].map { "\($0)".drop { $0 == "0" } }
        let hex = String(bits, radix: 16)
        return octets.filter { numbers.contains($0) }.count >= 3 || (hex.utf8.count >= 7 && name.lowercased().contains(hex))
    }

    /// The domain that a host's name was registered under, as far as its shape tells: two labels, or three below `co.uk` and its like.
    private static func domain(of name: String) -> String {
        let labels = name.lowercased().split(separator: ".")
        guard labels.count > 2, let top = labels.last else { return name.lowercased() }
        let second = labels[labels.count - 2]
        let count = top.utf8.count == 2 && second.utf8.count <= 3 ? 3 : 2
        return labels.suffix(count).joined(separator: ".")
    }
}
