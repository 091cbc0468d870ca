import BatonTesting

/// What the histories of a run have reached.
struct Coverage {
    /// Histories that must reach everything in `expected`.
    static let sample = 32

    /// Everything that a sample must reach.
    static let expected = [
        "client: accepted", "client: refused", "client: reply lost", "client: broke off", "client: out of patience",
        "client: no connection", "client: 451 after the content", "client: 452 after the content",
        "host: took", "host: 421 greeting", "host: 554 greeting", "host: no greeting", "host: EHLO refused",
        "host: MAIL deferred", "host: RCPT deferred", "host: RCPT refused", "host: 452 too many recipients",
        "host: DATA deferred", "host: content deferred", "host: content refused", "host: died at the dot",
        "host: reply lost", "host: 421 in the dialog",
        "connection refused", "connection unanswered", "connection reset", "half-open connection",
        "one byte at a time", "tarpit",
        "crash: killed", "crash: power cut", "disk: full", "disk: errors", "power cut with unsynced data", "clock jump",
        "operator: hold", "operator: release", "operator: retry now", "operator: flush", "operator: reload",
        "report: failed", "report: delayed", "report: relayed", "report: expanded", "alias: forwarding", "alias: list",
        "host: LMTP recipient taken", "host: LMTP recipient deferred", "host: LMTP recipient refused", "host: LMTP replies lost",
        "host: TLS", "host: STARTTLS refused", "TLS handshake that fails", "TLS handshake that hangs",
        "mailbox: took", "mailbox: errors",
    ]

    private var counts: [String: Int] = [:]
    private var histories: [String] = []

    mutating func add(_ world: RelayWorld, _ invariants: Invariants) {
        counts.merge(world.ledger.marks, uniquingKeysWith: +)
        counts.merge(world.network.faults, uniquingKeysWith: +)
        for (action, count) in invariants.reportCounts { counts["report: \(action)", default: 0] += count }
        histories.append(Self.line(world))
    }

    /// A history in one line.
    static func line(_ world: RelayWorld) -> String {
        "seed \(world.seed): \(world.simulator.steps) steps, \(world.ledger.submissions.count) messages, "
            + "\(world.ledger.submissions.reduce(0) { $0 + $1.recipients.count }) recipients, \(world.ledger.arrivals.count) arrivals, "
            + "\(world.crashes.count) crashes, \(faults(of: world).values.reduce(0, +)) faults of \(faults(of: world).count) kinds, "
            + "digest \(world.simulator.digest)"
    }

    /// The names of what went wrong in a history, with how often it did.
    private static func faults(of world: RelayWorld) -> [String: Int] {
        let isFault: (String) -> Bool = { name in
            ["disk: ", "mailbox: errors", "clock jump", "host: no greeting", "host: died", "host: reply lost", "host: 421",
             "client: broke off"].contains { name.hasPrefix($0) }
        }
        return world.ledger.marks.filter { isFault($0.key) }.merging(world.network.faults, uniquingKeysWith: +)
    }

    /// What a history lacks of the least that one must have.
    static func shortcomings(of world: RelayWorld) -> [String] {
        var shortcomings: [String] = []
        func demand(_ what: String, _ found: Int, atLeast least: Int) {
            if found < least { shortcomings.append("\(found) \(what), fewer than \(least)") }
        }
        let faults = faults(of: world)
        demand("messages", world.ledger.submissions.count, atLeast: 200)
        demand("recipients", world.ledger.submissions.reduce(0) { $0 + $1.recipients.flatMap(world.plan.finals).count }, atLeast: 500)
        demand("sites", world.plan.domains.count, atLeast: 20)
        demand("crashes", world.crashes.count, atLeast: 5)
        demand("faults", faults.values.reduce(0, +), atLeast: 20)
        demand("kinds of faults", faults.count, atLeast: 6)
        return shortcomings
    }

    /// What should have been reached and was not.
    var missing: [String] { Self.expected.filter { counts[$0] == nil } }

    /// All of it, for reading.
    var text: String {
        let reached = counts.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }
        return (histories.suffix(3) + ["\(histories.count) histories reached:"] + reached).joined(separator: "\n")
    }
}
