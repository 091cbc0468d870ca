import DNS
import Ports

/// The names that an address points to, and those of them that lead back to it (RFC 7208 §5.5, RFC 8601 §3).
public struct ReverseNames: Hashable, Sendable {
    /// How the question for the names ended.
    public var status: DNSAnswer.Status
    /// The names that the address points to, as many as are looked at.
    public var names: [String]
    /// Those of `names` that have the address.
    public var validated: [String]
    /// Whether the question for the address of some name failed and may be answered later.
    public var hasTemporaryFailure: Bool

    /// Whether nothing can be said before DNS answers again.
    public var isTemporaryFailure: Bool {
        switch status {
        case .serverFailure, .timedOut, .bogus: true
        case .success, .noData, .nameError: validated.isEmpty && hasTemporaryFailure
        }
    }

    /// Asks for the names of `address`, at most `limit`, one after the other; `completion` comes later, on the loop of `lookups`.
    public static func find(of address: IPAddress, _ lookups: Lookups, limit: Int = 10, completion: @escaping (ReverseNames) -> Void) {
        let address = address.unmapped
        lookups.ask(DNSName.reverse(of: address), .ptr) { answer in
            let names = answer.records.compactMap { if case .ptr(let name) = $0 { name } else { nil } }
            let found = ReverseNames(status: answer.status, names: Array(names.prefix(limit)), validated: [], hasTemporaryFailure: false)
            found.validate(from: 0, address, lookups, completion)
        }
    }

    private func validate(from index: Int, _ address: IPAddress, _ lookups: Lookups, _ completion: @escaping (ReverseNames) -> Void) {
        guard index < names.count else { return completion(self) }
        let type: RecordType = if case .v4 = address { .a } else { .aaaa }
        lookups.ask(names[index], type) { answer in
            var next = self
            if answer.addresses.contains(where: { $0.unmapped == address }) { next.validated.append(names[index]) }
            if answer.isTemporaryFailure { next.hasTemporaryFailure = true }
            next.validate(from: index + 1, address, lookups, completion)
        }
    }

    /// The result of the `iprev` method: do address and name agree? (RFC 8601 §3)
    public var result: AuthenticationResult {
        if !validated.isEmpty { return .pass }
        if isTemporaryFailure { return .temperror }
        return names.isEmpty ? .permerror : .fail
    }

    /// Why, for people.
    public func reason(for address: IPAddress) -> String {
        switch result {
        case .pass: "\(address) is \(validated[0])"
        case .temperror: "no answer to whose address \(address) is"
        case .permerror: "\(address) has no name"
        default: "\(names[0]) does not lead back to \(address)"
        }
    }
}
