/// By which records and names a host is to be proven (RFC 7672 §3).
public struct DANEPolicy: Hashable, Sendable {
    /// The name at which the records were found, and which is asked for in the handshake (RFC 7671 §8.1).
    public var baseDomain: String
    /// The records, DNSSEC-proven, usable or not.
    public var records: [TLSARecord]
    /// The names of which the certificate must have one, where the usage asks for it (RFC 7672 §3.2.2).
    public var referenceNames: [String]

    /// A policy.
    public init(baseDomain: String, records: [TLSARecord], referenceNames: [String]) {
        self.baseDomain = baseDomain
        self.records = records
        self.referenceNames = referenceNames
    }

    /// Whether any record can prove the host; without one TLS is still required (RFC 7672 §2.2).
    public var isUsable: Bool { records.contains(where: \.isUsable) }
}

/// What DNS says of DANE for one host.
public enum DANEFinding: Hashable, Sendable {
    /// DANE does not apply: something on the way is not signed, or is proven not to exist.
    case none
    /// The host has records.
    case policy(DANEPolicy)
    /// It cannot be known now: the host must not be used (RFC 7672 §2.1.2).
    case unavailable(DANEProblem)
}

/// Why it cannot be known whether a host has TLSA records.
public struct DANEProblem: Hashable, Sendable, CustomStringConvertible {
    /// Whether DNSSEC validation failed, rather than the servers.
    public var isBogus: Bool
    /// The reason, for people.
    public var description: String

    /// A problem.
    public init(isBogus: Bool, _ description: String) {
        self.isBogus = isBogus
        self.description = description
    }
}
