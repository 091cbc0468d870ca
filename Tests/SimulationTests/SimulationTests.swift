import BatonTesting
import Testing
@testable import simulate

/// Whole histories of Baton: accept, crash, recover, deliver, bounce, from one seed each.
///
/// A few in a build for debugging; `make simulate` lives through as many as it is told to.
@Suite("Simulation: histories", .serialized)
struct SimulationTests {
    @Test("nothing acknowledged is lost, nothing ends twice, and everything drains", arguments: [1, 2] as [UInt64])
    func histories(seed: UInt64) {
        let world = RelayWorld(seed: seed)
        world.run()
        var invariants = Invariants(world)
        let broken = invariants.check() + Coverage.shortcomings(of: world)
        #expect(broken.isEmpty, "replay with: \(SeedRun.command(seed))")
    }

    @Test("a seed replays one history")
    func replay() {
        func digest() -> UInt64 {
            let world = RelayWorld(seed: 77, size: WorldSize(messages: 30, recipients: 60, sites: 8, crashes: 2))
            world.run()
            return world.simulator.digest
        }
        #expect(digest() == digest())
    }

    @Test("the command line says which seeds")
    func options() {
        #expect(Simulate.Options([])?.seeds == 1...200)
        #expect(Simulate.Options(["--seeds", "32"])?.seeds == 1...32)
        #expect(Simulate.Options(["--seeds", "1000-1999", "--jobs", "2"])?.seeds == 1000...1999)
        #expect(Simulate.Options(["--seed", "17"])?.isVerbose == true)
        for words in [["--seeds", "0"], ["--seeds", "9-3"], ["--seeds"], ["--jobs", "0"], ["--seed", "x"], ["17"], ["--seeds", "1-2-3"]] {
            #expect(Simulate.Options(words) == nil)
        }
    }
}
