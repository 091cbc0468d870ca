import DNS
import Ports

/// Finds the host name of a client: one that its address points to and that points back (RFC 8499 §2, RFC 1912 §2.1).
enum ClientNameLookup {
    /// Names that an address may point to before the rest is passed over.
    private static let maxNames = 5

    /// Calls `completion` on `loop` with what was found; never before it returns.
    static func find(_ address: IPAddress, _ resolver: any Resolver, on loop: any Loop,
                     completion: @escaping @Sendable (ClientNameFinding) -> Void) {
        resolver.resolve(DNSName.reverse(of: address), .ptr, on: loop) { answer in
            let names = answer.records.compactMap { record -> String? in
                guard case .ptr(let name) = record, DNSName.isHostName(name) else { return nil }
                return name
            }
            guard let first = names.first else { return completion(answer.isTemporaryFailure ? .unknown : .missing) }
            confirm(names.prefix(maxNames), address, otherwise: .unconfirmed(first), resolver, on: loop, completion: completion)
        }
    }

    private static func confirm(_ names: ArraySlice<String>, _ address: IPAddress, otherwise: ClientNameFinding,
                                _ resolver: any Resolver, on loop: any Loop, completion: @escaping @Sendable (ClientNameFinding) -> Void) {
        guard let name = names.first else { return completion(otherwise) }
        let type: RecordType = if case .v4 = address.unmapped { .a } else { .aaaa }
        resolver.resolve(name, type, on: loop) { answer in
            if answer.addresses.contains(where: { $0.unmapped == address.unmapped }) { return completion(.confirmed(name)) }
            confirm(names.dropFirst(), address, otherwise: answer.isTemporaryFailure ? .unknown : otherwise, resolver, on: loop,
                    completion: completion)
        }
    }
}

/// What DNS says of a client's name.
enum ClientNameFinding: Hashable, Sendable {
    /// The address points to this name, and the name back to it.
    case confirmed(String)
    /// The address points to this name among others, and none points back.
    case unconfirmed(String)
    /// The address points to no name.
    case missing
    /// Nothing was asked, or DNS failed.
    case unknown

    /// The name that is certain.
    var confirmed: String? { if case .confirmed(let name) = self { name } else { nil } }
}

/// Whether the names of clients are looked up in DNS.
public enum ClientNames: Hashable, Sendable {
    /// They are, for trace fields and logs.
    case lookedUp
    /// Trace fields name clients by their addresses only.
    case omitted
}
