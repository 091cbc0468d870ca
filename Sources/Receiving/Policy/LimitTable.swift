import Ports

/// Counts what clients, accounts, senders and recipients do, in windows that slide.
struct LimitTable: Sendable {
    /// Who is counted under which rule.
    struct Key: Hashable, Sendable {
        let rule: String
        let subject: LimitSubject
    }

    /// Two windows in a row: the sliding one is estimated from both.
    private struct Count: Sendable {
        var start: Timestamp
        var current = 0
        var previous = 0

        mutating func move(to now: Timestamp, _ window: Duration) {
            let elapsed = now - start
            guard elapsed >= window else { return }
            previous = elapsed < window + window ? current : 0
            current = 0
            let windows = elapsed.clampedNanoseconds / Swift.max(window.clampedNanoseconds, 1)
            start = start + .nanoseconds(windows.multipliedReportingOverflow(by: window.clampedNanoseconds).partialValue)
        }

        func estimate(at now: Timestamp, _ window: Duration) -> Int {
            let share = 1 - Double((now - start).clampedNanoseconds) / Double(Swift.max(window.clampedNanoseconds, 1))
            let (sum, overflow) = current.addingReportingOverflow(Int(Double(previous) * min(Swift.max(share, 0), 1)))
            return overflow ? .max : sum
        }
    }

    private var counts: BoundedTable<Key, Count>
    /// Connections open now: bounded by themselves, and nothing of them may be forgotten.
    private var open: [Key: Int] = [:]

    init(capacity: Int) { counts = BoundedTable(capacity: capacity) }

    /// How many subjects are remembered.
    var count: Int { counts.count + open.count }

    mutating func resize(to capacity: Int) { counts.capacity = capacity }

    /// What the subject has done in the rule's window.
    mutating func total(_ rule: LimitRule, _ subject: LimitSubject, at now: Timestamp) -> Int {
        let key = Key(rule: rule.name, subject: subject)
        if rule.measure == .connections { return open[key] ?? 0 }
        guard var count = counts[key] else { return 0 }
        count.move(to: now, rule.window)
        return count.estimate(at: now, rule.window)
    }

    /// Adds to what the subject has done.
    mutating func add(_ amount: Int, _ rule: LimitRule, _ subject: LimitSubject, at now: Timestamp) {
        let key = Key(rule: rule.name, subject: subject)
        if rule.measure == .connections {
            let total = (open[key] ?? 0) + amount
            open[key] = total > 0 ? total : nil
            return
        }
        var count = counts[key] ?? Count(start: now)
        count.move(to: now, rule.window)
        let (sum, overflow) = count.current.addingReportingOverflow(amount)
        count.current = overflow ? .max : sum
        counts[key] = count
    }
}

/// Who is counted.
enum LimitSubject: Hashable, Sendable, CustomStringConvertible {
    case network(IPNetwork)
    case name(String)

    var description: String {
        switch self {
        case .network(let network): network.description
        case .name(let name): name
        }
    }
}
