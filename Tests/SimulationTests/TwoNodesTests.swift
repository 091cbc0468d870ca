import BatonTesting
import Glibc
import MailQueue
import Testing
@testable import simulate

/// Histories of two nodes that share one queue, from one seed each.
///
/// `SIM_SEED=n` replays one seed, `SIM_SEEDS=n` runs seeds 1 to n.
@Suite("Simulation: two nodes", .serialized)
struct TwoNodesTests {
    private static func number(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    @Test("nothing acknowledged is lost, places have one node, outdated nodes settle nothing, and everything drains")
    func histories() {
        let seeds = Self.number("SIM_SEED").map { [$0] } ?? Array(1...max(Self.number("SIM_SEEDS") ?? 3, 1))
        var coverage = NodesCoverage()
        for seed in seeds {
            let world = NodesWorld(seed: seed)
            world.run()
            var invariants = NodesInvariants(world)
            let broken = invariants.check()
            coverage.add(world, invariants)
            #expect(broken.isEmpty, "replay with: SWIFT_DETERMINISTIC_HASHING=1 SIM_SEED=\(seed) swift test --filter TwoNodesTests/histories")
        }
        if Self.number("SIM_SEED") != nil || seeds.count >= NodesCoverage.sample { print(coverage.text) }
        if seeds.count >= NodesCoverage.sample { #expect(coverage.missing.isEmpty) }
    }

    @Test("a seed replays one history")
    func replay() {
        func digest() -> UInt64 {
            let world = NodesWorld(seed: 77, size: .init(messages: 20, sites: 8, crashes: 1, pauses: 2, cuts: 1))
            world.run()
            return world.simulator.digest
        }
        #expect(digest() == digest())
    }

    @Test("a store that errs is noticed", arguments: MemoryQueueStore.Defect.allCases)
    func defects(_ defect: MemoryQueueStore.Defect) {
        let broken = (1...8 as ClosedRange<UInt64>).lazy.map { seed in
            let world = NodesWorld(seed: seed, size: .init(messages: 50), defect: defect)
            world.run()
            var invariants = NodesInvariants(world)
            return invariants.check()
        }.first { !$0.isEmpty }
        #expect(broken != nil, "\(defect) goes unnoticed")
    }
}

/// What the histories of a run have reached.
struct NodesCoverage {
    /// Histories that must reach everything in `expected`.
    static let sample = 16

    /// Everything that a sample must reach.
    static let expected = [
        "client: accepted", "client: refused", "client: 451 after the content", "client: no connection", "client: reply lost",
        "node: joins", "node: crash", "node: leaves", "node: has left with nothing open", "node: clock jump", "nodes: reload",
        "node: short pause", "node: pause longer than the lease", "node: pause with open attempts",
        "store: cut off from all", "store: cut off from one node", "store: cut off", "store: unavailable", "store: question lost",
        "store: answer lost", "store: late question",
        "store: place claimed", "store: place released", "store: expired lease taken over", "store: renewal refused",
        "store: outdated settlement refused", "store: group sent again",
        "site: attempts of an earlier holder go on", "result lost with its lease", "duplicates",
        "host: took", "host: reply lost", "host: 452 too many recipients", "mailbox: took", "connection reset",
        "report: failed", "report: delayed", "report: relayed", "report: expanded",
    ]

    private var counts: [String: Int] = [:]
    private var histories: [String] = []

    mutating func add(_ world: NodesWorld, _ invariants: NodesInvariants) {
        counts.merge(world.ledger.marks, uniquingKeysWith: +)
        counts.merge(world.network.faults, uniquingKeysWith: +)
        counts.merge(world.store.counts, uniquingKeysWith: +)
        for client in world.stores { counts.merge(client.faults, uniquingKeysWith: +) }
        for (action, count) in invariants.reportCounts { counts["report: \(action)", default: 0] += count }
        if invariants.duplicates > 0 { counts["duplicates", default: 0] += invariants.duplicates }
        histories.append("seed \(world.seed): \(world.simulator.steps) steps, \(world.ledger.submissions.count) messages, "
            + "\(world.ledger.arrivals.count) arrivals, \(world.lostResults) lost results, digest \(world.simulator.digest)")
    }

    /// What should have been reached and was not.
    var missing: [String] { Self.expected.filter { counts[$0] == nil } }

    /// All of it, for reading.
    var text: String {
        let reached = counts.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }
        return (histories.suffix(3) + ["\(histories.count) histories reached:"] + reached).joined(separator: "\n")
    }
}
