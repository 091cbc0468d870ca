import BatonTesting
import Glibc
import Testing

/// Whole histories of Baton: accept, crash, recover, deliver, bounce, from one seed each.
///
/// `SIM_SEED=n` replays one seed, `SIM_SEEDS=n` runs seeds 1 to n.
@Suite("Simulation: histories", .serialized)
struct SimulationTests {
    let seeds: [UInt64] = Self.number("SIM_SEED").map { [$0] } ?? Array(1...max(Self.number("SIM_SEEDS") ?? 4, 1))

    private static func number(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    @Test("nothing acknowledged is lost, nothing ends twice, and everything drains")
    func histories() {
        var coverage = Coverage()
        for seed in seeds {
            let world = RelayWorld(seed: seed)
            world.run()
            var invariants = Invariants(world)
            let broken = invariants.check()
            coverage.add(world, invariants)
            let command = "SWIFT_DETERMINISTIC_HASHING=1 SIM_SEED=\(seed) swift test --filter SimulationTests/"
            #expect(broken.isEmpty, "replay with: \(command)")
        }
        if Self.number("SIM_SEED") != nil || seeds.count >= Coverage.sample { print(coverage.text) }
        // A sample of this size must reach everything, or the promises above are about less than they say.
        if seeds.count >= Coverage.sample { #expect(coverage.missing.isEmpty) }
    }

    @Test("a seed replays one history")
    func replay() {
        func digest() -> UInt64 {
            let world = RelayWorld(seed: 77, size: WorldSize(messages: 30, sites: 8, crashes: 2))
            world.run()
            return world.simulator.digest
        }
        #expect(digest() == digest())
    }
}
