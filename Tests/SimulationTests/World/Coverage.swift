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
        histories.append("seed \(world.seed): \(world.simulator.steps) steps, \(world.ledger.submissions.count) messages, "
            + "\(world.ledger.arrivals.count) arrivals, \(world.crashes.count) crashes, digest \(world.simulator.digest)")
    }

    /// What should have been reached and was not.
    var missing: [String] { Self.expected.filter { counts[$0] == nil } }

    /// All of it, for reading.
    var text: String {
        let reached = counts.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }
        return (histories.suffix(3) + ["\(histories.count) histories reached:"] + reached).joined(separator: "\n")
    }
}
