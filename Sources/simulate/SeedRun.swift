import Glibc

/// A run of histories, one for each seed, with a report in the end.
struct SeedRun {
    /// The variable that keeps the order of sets and dictionaries the same in every process.
    static let fixedHashing = "SWIFT_DETERMINISTIC_HASHING"

    private let seeds: ClosedRange<UInt64>
    private let isVerbose: Bool
    private let isTraced: Bool
    private var coverage = Coverage()
    private var failed: [UInt64] = []

    init(_ seeds: ClosedRange<UInt64>, isVerbose: Bool = false, isTraced: Bool = false) {
        self.seeds = seeds
        self.isVerbose = isVerbose
        self.isTraced = isTraced
    }

    /// How a seed is replayed.
    static func command(_ seed: UInt64) -> String { "make simulate SEED=\(seed)" }

    /// Lives through all of them; whether every promise was kept and everything was reached.
    mutating func run() -> Bool {
        let start = SeedRun.processorSeconds
        for seed in seeds { live(seed) }
        let milliseconds = Int((SeedRun.processorSeconds - start) * 1000)
        let isSample = seeds.count >= Coverage.sample
        if isVerbose || isSample { print(coverage.text) }
        let missing = isSample ? coverage.missing : []
        for what in missing { print("never reached: \(what)") }
        print("\(seeds.count) seeds (\(seeds.lowerBound) to \(seeds.upperBound)): \(failed.count) broken, "
            + "\(milliseconds / seeds.count) ms of processor time each")
        return failed.isEmpty && missing.isEmpty
    }

    private mutating func live(_ seed: UInt64) {
        TrapReport.begin(seed)
        let world = RelayWorld(seed: seed, isTraced: isTraced)
        world.run()
        var invariants = Invariants(world)
        let broken = invariants.check() + Coverage.shortcomings(of: world)
        coverage.add(world, invariants)
        if isVerbose { print(Coverage.line(world)) }
        guard !broken.isEmpty else { return }
        failed.append(seed)
        print("seed \(seed) is broken; replay it with: \(SeedRun.command(seed))")
        for what in broken { print("  \(what)") }
        fflush(nil)
    }

    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
