import Glibc

/// Says which seed the process was at when it trapped.
enum TrapReport {
    private static let capacity = 128
    // Written before each history, read by the signal handler: a handler can reach nothing but memory that is there already.
    nonisolated(unsafe) private static let text = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    nonisolated(unsafe) private static let length = UnsafeMutablePointer<Int>.allocate(capacity: 1)

    /// Has traps reported from now on.
    static func install() {
        length.initialize(to: 0)
        for signal in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT] {
            Glibc.signal(signal) { number in
                _ = write(STDOUT_FILENO, TrapReport.text, TrapReport.length.pointee)
                Glibc.signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    /// Notes the seed whose history begins.
    static func begin(_ seed: UInt64) {
        let line = Array("seed \(seed) trapped; replay it with: \(SeedRun.command(seed))\n".utf8.prefix(capacity))
        text.update(from: line, count: line.count)
        length.pointee = line.count
    }
}
