import Ports

/// Lists of bad, or good, clients in DNS (RFC 5782).
public struct DNSListRule: Hashable, Sendable {
    /// Whether it acts.
    public var mode = RuleMode.off
    /// The lists.
    public var lists: [DNSList] = []
    /// The sum of weights from which on a client is refused.
    public var refuseAt = 10
    /// The sum of weights up to which a client is trusted: it is not greylisted.
    public var trustAt = -10
    /// How long a recipient waits for the answers; lists that have not answered then do not count.
    public var timeout = Duration.seconds(5)

    /// Off.
    public init() {}
}

/// One list of clients in DNS (RFC 5782 §2).
public struct DNSList: Hashable, Sendable {
    /// The zone below which the reversed address is asked for.
    public var zone: String
    /// What being listed adds to the client's score; negative for lists of good clients.
    public var weight: Int
    /// The answers that count; 127.0.0.0/8 but 127.0.0.1 and the error codes 127.255.255.0/24 where none are given.
    public var answers: [IPNetwork] = []
    /// Bits of the last octet of which one must be set; 0 for no such condition.
    public var mask: UInt8 = 0

    /// A list.
    public init(zone: String, weight: Int, answers: [IPNetwork] = [], mask: UInt8 = 0) {
        self.zone = zone
        self.weight = weight
        self.answers = answers
        self.mask = mask
    }

    private static let listed = IPNetwork(containing: .v4(0x7f00_0000), prefixLength: 8)
    private static let failures = IPNetwork(containing: .v4(0x7fff_ff00), prefixLength: 24)

    /// Whether an answer of the list says that the client is listed.
    ///
    /// Answers outside of 127.0.0.0/8 come from zones that have gone, and 127.255.255.0/24 tells of
    /// refused questions: neither may cost a client anything (RFC 5782 §2.1, §5).
    func counts(_ answer: IPAddress) -> Bool {
        guard case .v4(let bits) = answer, DNSList.listed.contains(answer), !DNSList.failures.contains(answer) else { return false }
        if mask != 0, UInt8(truncatingIfNeeded: bits) & mask == 0 { return false }
        return answers.isEmpty ? answer != .loopback : answers.contains { $0.contains(answer) }
    }

    /// The name to ask for: the octets or nibbles of the address backwards, then the zone (RFC 5782 §2.1, §2.4).
    func question(for address: IPAddress) -> String {
        switch address.unmapped {
        case .v4(let bits):
            return "\(bits & 255).\(bits >> 8 & 255).\(bits >> 16 & 255).\(bits >> 24).\(zone)"
        case .v6(let high, let low):
            var name = ""
            for half in [low, high] {
                for shift in stride(from: UInt64(0), to: 64, by: 4) { name += String(half >> shift & 15, radix: 16) + "." }
            }
            return name + zone
        }
    }
}
