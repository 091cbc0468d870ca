import MessageFormat
import Ports

/// Mail of an account that behaves as one in a spammer's hands is held, not refused: it can be looked at, released or removed.
public struct BreakerRule: Hashable, Sendable {
    /// Whether it acts.
    public var mode = RuleMode.off
    /// The time over which recipients are counted.
    public var window = Duration.hours(1)
    /// Recipients in the window that are still usual.
    public var maxRecipients = 1000
    /// Recipients in the window that the account has never written to before.
    public var maxNewRecipients = 300
    /// The share of recipients that bounce, over a day.
    public var maxBounceShare = 0.3
    /// Results that a day must have before that share means anything.
    public var minResults = 50

    /// Off.
    public init() {}
}

/// What is remembered of accounts to tell the unusual from the usual; bounded.
struct AccountHistory: Sendable {
    private var counts: LimitTable
    /// Who has written to whom, as fingerprints.
    private var known: BoundedTable<Fingerprint, Bool>

    /// Recipients that are remembered for each entry of the other tables.
    private static let recipientsPerEntry = 10
    private static let day = Duration.hours(24)

    init(capacity: Int) {
        counts = LimitTable(capacity: capacity)
        known = BoundedTable(capacity: capacity * AccountHistory.recipientsPerEntry)
    }

    mutating func resize(to capacity: Int) {
        counts.resize(to: capacity)
        known.capacity = capacity * AccountHistory.recipientsPerEntry
    }

    /// Counts a message, and tells what about it and those before it is unusual; nil when nothing is.
    mutating func unusual(_ account: String, _ recipients: [EmailAddress], under rule: BreakerRule, at now: Timestamp) -> String? {
        let subject = LimitSubject.name(account)
        let all = AccountHistory.counter("recipients", rule.maxRecipients, rule.window)
        let new = AccountHistory.counter("new", rule.maxNewRecipients, rule.window)
        counts.add(recipients.count, all, subject, at: now)
        var strangers = 0
        for recipient in recipients {
            let key = Fingerprint([account, recipient.description])
            if known[key] == nil { strangers += 1 }
            known[key] = true
        }
        if strangers > 0 { counts.add(strangers, new, subject, at: now) }
        let total = counts.total(all, subject, at: now), totalNew = counts.total(new, subject, at: now)
        if total > rule.maxRecipients { return "\(account): \(total)/\(rule.maxRecipients) recipients" }
        if totalNew > rule.maxNewRecipients { return "\(account): \(totalNew)/\(rule.maxNewRecipients) new recipients" }
        let ended = counts.total(AccountHistory.ended, subject, at: now), bounced = counts.total(AccountHistory.bounced, subject, at: now)
        if ended >= rule.minResults, Double(bounced) > Double(ended) * rule.maxBounceShare { return "\(account): \(bounced) of \(ended) recipients bounced" }
        return nil
    }

    /// Counts how recipients of an account's mail ended.
    mutating func count(ended: Int, bounced: Int, of account: String, at now: Timestamp) {
        let subject = LimitSubject.name(account)
        counts.add(ended, AccountHistory.ended, subject, at: now)
        if bounced > 0 { counts.add(bounced, AccountHistory.bounced, subject, at: now) }
    }

    private static func counter(_ name: String, _ max: Int, _ window: Duration) -> LimitRule {
        LimitRule(name: name, measure: .recipients, subject: .account, max: max, window: window)
    }

    private static let ended = counter("ended", .max, day)
    private static let bounced = counter("bounced", .max, day)

    /// Fingerprints of who has written to whom.
    var fingerprints: [Fingerprint] { known.entries.map(\.key) }

    /// Takes a fingerprint over from an earlier life.
    mutating func restore(_ fingerprint: Fingerprint) { known[fingerprint] = true }
}
