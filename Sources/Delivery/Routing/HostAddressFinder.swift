import DNS
import Ports

/// The address families that connections go out by.
public enum AddressPreference: Hashable, Sendable {
    /// Both in turn, IPv4 first.
    case ipv4First
    /// Both in turn, IPv6 first.
    case ipv6First
    /// IPv4 alone.
    case ipv4Only
    /// IPv6 alone.
    case ipv6Only
}

/// What a host name stands for at the moment of connecting.
enum HostAddresses: Hashable, Sendable {
    /// These, in the order in which they are to be tried.
    case found([IPAddress])
    /// The DNS has no answer now.
    case unavailable
    /// The name has no address of the families in use.
    case none
}

/// Looks up the addresses of a host, both families at once.
///
/// Confined to the core loop; `@unchecked Sendable` so that the answers of the resolver may hold it.
final class HostAddressFinder: @unchecked Sendable {
    private let resolver: any Resolver
    var preference: AddressPreference
    private let loop: any Loop

    init(resolver: any Resolver, preference: AddressPreference, loop: any Loop) {
        self.resolver = resolver
        self.preference = preference
        self.loop = loop
    }

    /// Finds the addresses of `name`; completes on the loop.
    func findAddresses(of name: String, completion: @escaping @Sendable (HostAddresses) -> Void) {
        let pending = Pending(completion)
        let types: [RecordType] = switch preference {
        case .ipv4Only: [.a]
        case .ipv6Only: [.aaaa]
        case .ipv4First, .ipv6First: [.a, .aaaa]
        }
        pending.missing = types.count
        for type in types {
            resolver.resolve(name, type, on: loop) { answer in
                pending.hasFailed = pending.hasFailed || answer.isTemporaryFailure
                if type == .a { pending.four = answer.addresses } else { pending.six = answer.addresses }
                pending.missing -= 1
                if pending.missing == 0 { self.finish(pending) }
            }
        }
    }

    private func finish(_ pending: Pending) {
        let (first, second) = preference == .ipv6First ? (pending.six, pending.four) : (pending.four, pending.six)
        var addresses: [IPAddress] = []
        // In turn, so that one family that leads nowhere cannot use up all tries.
        for index in 0..<max(first.count, second.count) {
            if index < first.count { addresses.append(first[index]) }
            if index < second.count { addresses.append(second[index]) }
        }
        addresses.removeAll(where: \.isUnspecified)
        if !addresses.isEmpty {
            pending.completion(.found(addresses))
        } else {
            pending.completion(pending.hasFailed ? .unavailable : .none)
        }
    }

    /// A lookup under way; touched on the loop only.
    private final class Pending: @unchecked Sendable {
        var four: [IPAddress] = []
        var six: [IPAddress] = []
        var missing = 0
        var hasFailed = false
        let completion: @Sendable (HostAddresses) -> Void

        init(_ completion: @escaping @Sendable (HostAddresses) -> Void) { self.completion = completion }
    }
}
