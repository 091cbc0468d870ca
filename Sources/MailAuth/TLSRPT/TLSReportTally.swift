import Ports

/// Counts of TLS sessions by day, policy domain and policy, from which reports are made (RFC 8460).
public struct TLSReportTally: Hashable, Sendable {
    /// Limits of a tally.
    public struct Limits: Hashable, Sendable {
        /// Days that are kept, today included.
        public var days: Int64 = 4
        /// Policies of all days that are kept; sessions with more are not counted.
        public var policies = 20_000
        /// Different details of a policy's failures; more are counted in the sum alone.
        public var details = 100

        /// The documented defaults.
        public init() {}
    }

    /// A day of a policy domain.
    public struct Key: Hashable, Sendable {
        /// The day, counted from 1970-01-01 (UTC).
        public var day: Int64
        /// The policy domain.
        public var domain: String

        /// A day of a domain.
        public init(day: Int64, domain: String) {
            self.day = day
            self.domain = domain
        }
    }

    private var results: [Key: [TLSReport.PolicyResult]] = [:]
    private var policyCount = 0
    private let limits: Limits

    /// An empty tally.
    public init(limits: Limits = Limits()) { self.limits = limits }

    /// The days and domains with counts, in order.
    public var keys: [Key] { results.keys.sorted { ($0.day, $0.domain) < ($1.day, $1.domain) } }

    /// What was counted for a day of a domain.
    public func results(for key: Key) -> [TLSReport.PolicyResult] { results[key] ?? [] }

    /// The day of a moment.
    public static func day(of moment: Timestamp) -> Int64 {
        let seconds = moment.nanoseconds / 1_000_000_000
        return seconds >= 0 ? seconds / 86_400 : -1
    }

    /// Counts one session with `policy`: a success, or the way it failed.
    public mutating func count(_ policy: TLSReport.Policy, _ failure: TLSReport.Failure?, at now: Timestamp) {
        let key = Key(day: TLSReportTally.day(of: now), domain: policy.domain)
        var entries = results[key] ?? []
        var index = entries.firstIndex { $0.policy == policy }
        if index == nil {
            forget(before: key.day - limits.days + 1)
            guard policyCount < limits.policies else { return }
            policyCount += 1
            index = entries.count
            entries.append(TLSReport.PolicyResult(policy: policy, successes: 0, failures: 0, details: []))
        }
        guard let index else { return }
        entries[index].count(failure, maxDetails: limits.details)
        results[key] = entries
    }

    /// Drops what is older than `day`.
    public mutating func forget(before day: Int64) {
        guard results.keys.contains(where: { $0.day < day }) else { return }
        results = results.filter { $0.key.day >= day }
        policyCount = results.values.reduce(0) { $0 + $1.count }
    }

    /// The report of a day about a domain; nil when nothing was counted.
    public func report(for key: Key, organization: String, contact: String, id: String) -> TLSReport? {
        guard let policies = results[key], !policies.isEmpty else { return nil }
        let start = Timestamp(seconds: key.day * 86_400)
        return TLSReport(organization: organization, start: start, end: start + .seconds(86_399), contact: contact, id: id, policies: policies)
    }

    mutating func restore(_ result: TLSReport.PolicyResult, for key: Key) {
        guard policyCount < limits.policies else { return }
        policyCount += 1
        var result = result
        result.details = Array(result.details.prefix(limits.details))
        results[key, default: []].append(result)
    }
}

extension TLSReport.PolicyResult {
    fileprivate mutating func count(_ failure: TLSReport.Failure?, maxDetails: Int) {
        guard var failure else { return successes &+= 1 }
        failures &+= 1
        failure.sessions = 0
        for index in details.indices {
            var other = details[index]
            other.sessions = 0
            if other == failure { return details[index].sessions &+= 1 }
        }
        guard details.count < maxDetails else { return }
        failure.sessions = 1
        details.append(failure)
    }
}
