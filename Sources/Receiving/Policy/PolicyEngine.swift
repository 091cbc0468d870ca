import Ports
import SMTP
import Synchronization

/// What the rules against abuse remember over all sessions.
///
/// Callable from any loop; every table is bounded.
public final class PolicyEngine: Sendable {
    struct Tables: Sendable {
        var limits: LimitTable
        /// Unknown recipients by client.
        var guesses: LimitTable
        /// Clients that are turned away, until when.
        var penalties: BoundedTable<IPNetwork, Timestamp>
        var greylist: GreylistTable
        var accounts: AccountHistory
        var verified: BoundedTable<VerificationKey, VerificationEntry>
        /// Answers that are being kept back.
        var tarpitted = 0
    }

    let tables: Mutex<Tables>
    let verifier: (any AddressVerifier)?

    /// An engine whose tables hold up to `capacity` entries each.
    public init(capacity: Int = PolicyEngine.defaultCapacity, verifier: (any AddressVerifier)? = nil) {
        self.verifier = verifier
        tables = Mutex(Tables(limits: LimitTable(capacity: capacity), guesses: LimitTable(capacity: capacity),
                              penalties: BoundedTable(capacity: capacity), greylist: GreylistTable(capacity: capacity),
                              accounts: AccountHistory(capacity: capacity),
                              verified: BoundedTable(capacity: capacity)))
    }

    /// Entries of each table.
    public static let defaultCapacity = 100_000

    /// Changes how many entries each table may hold.
    public func resize(to capacity: Int) {
        tables.withLock { tables in
            tables.limits.resize(to: capacity)
            tables.guesses.resize(to: capacity)
            tables.penalties.capacity = capacity
            tables.greylist.resize(to: capacity)
            tables.accounts.resize(to: capacity)
            tables.verified.capacity = capacity
        }
    }
}

// MARK: - Limits

extension PolicyEngine {
    /// The first limit that doing `amount` more of `measure` would pass, with what it saw; enforced ones come first.
    func exceeded(_ amount: Int, of measures: Set<LimitRule.Measure>, by subjects: LimitSubjects, under rules: [LimitRule],
                  at now: Timestamp) -> [(rule: LimitRule, saw: String)] {
        tables.withLock { tables in
            var found: [(rule: LimitRule, saw: String)] = []
            for rule in rules where rule.mode != .off && measures.contains(rule.measure) {
                guard let subject = subjects[rule.subject] else { continue }
                let total = tables.limits.total(rule, subject, at: now)
                let (sum, overflow) = total.addingReportingOverflow(amount)
                guard overflow || sum > rule.max else { continue }
                found.append((rule, "\(subject) \(overflow ? .max : sum)/\(rule.max)"))
            }
            return found
        }
    }

    /// Counts `amount` of `measure` for all whom it concerns.
    func count(_ amount: Int, of measure: LimitRule.Measure, by subjects: LimitSubjects, under rules: [LimitRule], at now: Timestamp) {
        tables.withLock { tables in
            for rule in rules where rule.mode != .off && rule.measure == measure {
                if let subject = subjects[rule.subject] { tables.limits.add(amount, rule, subject, at: now) }
            }
        }
    }
}

/// Who does something, in every way in which it can be counted.
struct LimitSubjects {
    var address: IPAddress?
    var account: String?
    var sender: String?
    var recipient: String?

    /// Whom a rule that counts by `subject` means; nil when it is not known or not counted.
    subscript(subject: LimitRule.Subject) -> LimitSubject? {
        switch subject {
        case .client: address.map { .network(LimitSubjects.client($0)) }
        case .network: address.map { .network(LimitSubjects.network($0)) }
        case .account: account.map { .name($0) }
        case .sender: sender.map { .name($0) }
        case .recipient: recipient.map { .name($0) }
        }
    }

    /// The address of one client: of IPv6 the /64, which is what one customer has at least.
    static func client(_ address: IPAddress) -> IPNetwork {
        switch address.unmapped {
        case .v4: IPNetwork(containing: address.unmapped, prefixLength: 32)
        case .v6: IPNetwork(containing: address, prefixLength: 64)
        }
    }

    /// The network of a client: /24, or /48 of IPv6.
    static func network(_ address: IPAddress) -> IPNetwork {
        switch address.unmapped {
        case .v4: IPNetwork(containing: address.unmapped, prefixLength: 24)
        case .v6: IPNetwork(containing: address, prefixLength: 48)
        }
    }
}
