import DNS
import Ports

/// The policies that were fetched, for as long as they say (RFC 8461 §3.3).
public struct MTASTSCache: Hashable, Sendable {
    /// A policy that was fetched.
    public struct Entry: Hashable, Sendable {
        /// The id that its record had.
        public var id: String
        /// The policy.
        public var policy: MTASTSPolicy
        /// When it was fetched.
        public var fetched: Timestamp

        /// An entry.
        public init(id: String, policy: MTASTSPolicy, fetched: Timestamp) {
            self.id = id
            self.policy = policy
            self.fetched = fetched
        }

        /// When it may no longer be used.
        public var expiry: Timestamp { fetched + .seconds(policy.maxAge) }
    }

    /// How many policies are kept; beyond it those that end soonest are dropped.
    public let capacity: Int
    private var entries: [String: Entry] = [:]

    /// An empty cache.
    public init(capacity: Int = 10_000) { self.capacity = max(1, capacity) }

    /// How many policies are kept.
    public var count: Int { entries.count }

    /// The policy of `domain`, unless its time is over.
    public func entry(for domain: String, at now: Timestamp) -> Entry? {
        guard let entry = entries[domain], now < entry.expiry else { return nil }
        return entry
    }

    /// Keeps a policy.
    public mutating func keep(_ entry: Entry, for domain: String) {
        entries[domain] = entry
        guard entries.count > capacity else { return }
        // A tenth at once, so that a full cache is not sorted at each new domain.
        let leaving = entries.sorted { ($0.value.expiry, $0.key) < ($1.value.expiry, $1.key) }
            .filter { $0.key != domain }.prefix(max(1, capacity / 10))
        for (domain, _) in leaving { entries[domain] = nil }
    }

    // MARK: The file

    private static let header = "baton mta-sts 1"

    /// The cache as text: one line a domain, without what is over.
    public func encoded(at now: Timestamp) -> [UInt8] {
        var text = MTASTSCache.header + "\n"
        for (domain, entry) in entries.sorted(by: { $0.key < $1.key }) where now < entry.expiry {
            let mx = entry.policy.mx.map(\.description).joined(separator: ",")
            text += "\(domain) \(entry.id) \(entry.fetched.nanoseconds) \(entry.policy.mode.rawValue) \(entry.policy.maxAge) \(mx)\n"
        }
        return Array(text.utf8)
    }

    /// Reads what `encoded` wrote; lines that are damaged are left out, and so are policies from the future.
    public init(decoding text: [UInt8], at now: Timestamp, capacity: Int = 10_000) {
        self.init(capacity: capacity)
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        guard lines.first == MTASTSCache.header[...] else { return }
        for line in lines.dropFirst().prefix(self.capacity) {
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count == 6, let domain = DNSName.canonical(String(fields[0])), let fetched = Int64(fields[2]),
                  let mode = MTASTSPolicy.Mode(rawValue: String(fields[3])), let maxAge = Int64(fields[4]) else { continue }
            let mx = fields[5].split(separator: ",").map { MTASTSPolicy.MXPattern(String($0)) }
            guard !mx.contains(nil), mode == .none || !mx.isEmpty, fetched <= now.nanoseconds else { continue }
            let policy = MTASTSPolicy(mode: mode, mx: mx.compactMap { $0 }, maxAge: maxAge)
            entries[domain] = Entry(id: String(fields[1]), policy: policy, fetched: Timestamp(nanoseconds: fetched))
        }
    }
}
