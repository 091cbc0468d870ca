import DNS
import Ports

/// Finds the host name of a client: one that its address points to and that points back (RFC 8499 §2, RFC 1912 §2.1).
enum ClientNameLookup {
    /// Names that an address may point to before the rest is passed over.
    private static let maxNames = 5

    /// Calls `completion` on `loop` with the verified name, or nil without one; never before it returns.
    static func find(_ address: IPAddress, _ resolver: any Resolver, on loop: any Loop,
                     completion: @escaping @Sendable (String?) -> Void) {
        resolver.resolve(DNSName.reverse(of: address), .ptr, on: loop) { answer in
            let names = answer.records.compactMap { record -> String? in
                guard case .ptr(let name) = record, DNSName.isHostName(name) else { return nil }
                return name
            }
            confirm(names.prefix(maxNames), address, resolver, on: loop, completion: completion)
        }
    }

    private static func confirm(_ names: ArraySlice<String>, _ address: IPAddress, _ resolver: any Resolver, on loop: any Loop,
                                completion: @escaping @Sendable (String?) -> Void) {
        guard let name = names.first else { return completion(nil) }
        let type: RecordType = if case .v4 = address.unmapped { .a } else { .aaaa }
        resolver.resolve(name, type, on: loop) { answer in
            if answer.addresses.contains(where: { $0.unmapped == address.unmapped }) { return completion(name) }
            confirm(names.dropFirst(), address, resolver, on: loop, completion: completion)
        }
    }
}

/// Whether the names of clients are looked up in DNS.
public enum ClientNames: Hashable, Sendable {
    /// They are, for trace fields and logs.
    case lookedUp
    /// Trace fields name clients by their addresses only.
    case omitted
}
