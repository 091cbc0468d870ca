import Ports

/// What a resolver says to one question.
public struct DNSAnswer: Hashable, Sendable {
    /// How a question ended.
    public enum Status: Hashable, Sendable {
        /// There are records of the type.
        case success
        /// The name exists and has no records of the type.
        case noData
        /// The name does not exist (NXDOMAIN).
        case nameError
        /// The servers failed or refused, or their answer is malformed: try again later.
        case serverFailure
        /// No answer within the resolver's limit: try again later.
        case timedOut
        /// The answer fails DNSSEC validation: to be treated as a server failure, never as insecure.
        case bogus
    }

    /// How the question ended; `records` is empty for everything but `.success`.
    public var status: Status
    /// The records, all of the type that was asked for.
    public var records: [DNSRecord]
    /// Whether DNSSEC proves this answer, or this absence (RFC 4035 §4.3).
    public var isSecure: Bool
    /// How long the answer may be kept.
    public var timeToLive: Duration
    /// The name at the end of the CNAME chain; the name asked for when there is none.
    public var canonicalName: String
    /// Why it failed, for people: what is malformed, which signature is missing.
    public var reason: String?

    /// An answer; records of anything but a success are dropped.
    public init(_ status: Status, records: [DNSRecord] = [], isSecure: Bool = false,
                timeToLive: Duration = .zero, canonicalName: String, reason: String? = nil) {
        self.status = status
        self.records = status == .success ? records : []
        self.isSecure = isSecure
        self.timeToLive = timeToLive
        self.canonicalName = canonicalName
        self.reason = reason
    }

    /// Whether asking again later may give another result (RFC 5321 §5.1: such mail stays queued).
    public var isTemporaryFailure: Bool {
        switch status {
        case .serverFailure, .timedOut, .bogus: true
        case .success, .noData, .nameError: false
        }
    }

    /// The addresses among the records.
    public var addresses: [IPAddress] { records.compactMap(\.address) }

    /// Whether the answer is the null MX: one record, preference 0, exchange `.` (RFC 7505 §3).
    ///
    /// A root exchange of any preference counts, as long as it stands alone.
    public var isNullMX: Bool {
        guard records.count == 1, case .mx(_, exchange: "") = records[0] else { return false }
        return true
    }
}
