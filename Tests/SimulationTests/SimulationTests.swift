import BatonTesting
import Glibc
import Testing

/// Whole histories of Baton: accept, crash, recover, deliver, bounce, from one seed each.
///
/// `SIM_SEED=n` replays one seed, `SIM_SEEDS=n` runs seeds 1 to n.
@Suite("Simulation: histories", .serialized)
struct SimulationTests {
    static let seeds: [UInt64] = {
        if let one = number("SIM_SEED") { return [one] }
        return Array(1...(number("SIM_SEEDS") ?? 4))
    }()

    private static func number(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    @Test("nothing acknowledged is lost, nothing ends twice, and everything drains", arguments: seeds)
    func history(seed: UInt64) {
        let world = RelayWorld(seed: seed)
        world.run()
        var invariants = Invariants(world)
        let broken = invariants.check()
        #expect(broken.isEmpty, "replay with: SWIFT_DETERMINISTIC_HASHING=1 SIM_SEED=\(seed) swift test --filter SimulationTests/")
        if number("SIM_SEED") != nil { print(Coverage(world).text) }
    }

    private func number(_ name: String) -> UInt64? { Self.number(name) }

    @Test("a seed replays one history")
    func replay() {
        func digest() -> UInt64 {
            let world = RelayWorld(seed: 77, size: WorldSize(messages: 30, sites: 8, crashes: 2, clients: 8))
            world.run()
            return world.simulator.digest
        }
        #expect(digest() == digest())
    }
}

/// What a history reached.
struct Coverage {
    let text: String

    init(_ world: RelayWorld) {
        var lines = ["seed \(world.seed): \(world.simulator.steps) steps, \(world.ledger.arrivals.count) arrivals, \(world.crashes.count) crashes"]
        for (what, count) in world.ledger.marks.merging(world.network.faults, uniquingKeysWith: +).sorted(by: { $0.key < $1.key }) {
            lines.append("  \(what): \(count)")
        }
        text = lines.joined(separator: "\n")
    }
}
