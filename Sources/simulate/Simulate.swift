import Glibc

/// The command that lives through histories: `simulate --seeds 200`, `simulate --seeds 1000-1999 --jobs 2`, `simulate --seed 17`.
@main
struct Simulate {
    /// What the command line asks for.
    struct Options {
        var seeds: ClosedRange<UInt64> = 1...200
        var jobs: UInt64 = 1
        /// Prints each history as it ends.
        var isVerbose = false
        /// Prints what happens in a history.
        var isTraced = false

        /// The words after the command's name; nil when they are not understood.
        init?(_ words: [String]) {
            var words = words[...]
            while let word = words.popFirst() {
                if word == "--verbose" || word == "--trace" {
                    if word == "--verbose" { isVerbose = true } else { isTraced = true }
                    continue
                }
                guard let value = words.popFirst() else { return nil }
                switch word {
                case "--seeds":
                    guard let range = Options.range(value) else { return nil }
                    seeds = range
                case "--seed":
                    guard let seed = UInt64(value) else { return nil }
                    seeds = seed...seed
                    isVerbose = true
                case "--jobs":
                    guard let number = UInt64(value), (1...256).contains(number) else { return nil }
                    jobs = number
                default: return nil
                }
            }
        }

        /// `200` for the seeds 1 to 200, `1000-1999` for those.
        private static func range(_ text: String) -> ClosedRange<UInt64>? {
            let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
            if ends.count == 1, let count = ends[0], count > 0 { return 1...count }
            guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else { return nil }
            return first...last
        }
    }

    static func main() {
        guard let options = Options(Array(CommandLine.arguments.dropFirst())) else {
            print("usage: simulate [--seeds COUNT | --seeds FIRST-LAST | --seed NUMBER] [--jobs NUMBER] [--verbose] [--trace]")
            exit(64)
        }
        startAgainWithFixedHashing()
        if options.jobs > 1, options.seeds.count > 1 { exit(shareOut(options)) }
        TrapReport.install()
        var run = SeedRun(options.seeds, isVerbose: options.isVerbose, isTraced: options.isTraced)
        exit(run.run() ? 0 : 1)
    }

    /// The order of sets and dictionaries belongs to a history, and Swift draws it anew for each process unless told otherwise.
    private static func startAgainWithFixedHashing() {
        guard getenv(SeedRun.fixedHashing) == nil else { return }
        setenv(SeedRun.fixedHashing, "1", 1)
        // Memory goes from one history to the next, not back to the system.
        setenv("MALLOC_MMAP_THRESHOLD_", "268435456", 1)
        setenv("MALLOC_TRIM_THRESHOLD_", "1073741824", 1)
        var words: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", &words)
    }

    /// Has other processes of this program run a part of the seeds each; the exit status for all of them.
    private static func shareOut(_ options: Options) -> Int32 {
        let count = options.seeds.upperBound - options.seeds.lowerBound + 1
        // Each share is a sample that must reach everything.
        let jobs = max(1, min(options.jobs, count / UInt64(Coverage.sample)))
        let share = (count + jobs - 1) / jobs
        var children: [pid_t] = []
        var first = options.seeds.lowerBound
        while first <= options.seeds.upperBound {
            let last = min(first + share - 1, options.seeds.upperBound)
            var words = [CommandLine.arguments[0], "--seeds", "\(first)-\(last)"]
            if options.isVerbose { words.append("--verbose") }
            var child: pid_t = 0
            var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
            guard posix_spawn(&child, "/proc/self/exe", nil, nil, &arguments, environ) == 0 else { return 71 }
            children.append(child)
            first = last + 1
        }
        var result: Int32 = 0
        for child in children {
            var status: Int32 = 0
            if waitpid(child, &status, 0) != child || status != 0 { result = 1 }
        }
        return result
    }
}
