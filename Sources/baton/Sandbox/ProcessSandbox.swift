import Configuration
import CSandbox
import Glibc

/// Gives up what the daemon does not need, by means of the kernel: Landlock for files, seccomp for system calls.
enum ProcessSandbox {
    /// What is in force.
    enum State: Equatable {
        case enforced
        /// The kernel, or who runs it, does not let the process give this up; why.
        case unavailable(String)
    }

    /// Rights of Landlock (`linux/landlock.h`).
    private enum Right {
        static let execute: UInt64 = 1 << 0
        static let read: UInt64 = 1 << 2 | 1 << 3
        /// Writing, and making and removing directories, files and sockets.
        static let write: UInt64 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9
        /// Every right of the first version.
        static let all: UInt64 = (1 << 13) - 1
        static let refer: UInt64 = 1 << 13
        static let truncate: UInt64 = 1 << 14
    }

    /// Whether the kernel has what it takes.
    static var isAvailable: Bool { baton_landlock_version() >= minVersion }

    private static let minVersion: Int32 = 2

    /// Leaves no way to files outside of `plan`: for this thread and those that it starts from now on, so before it starts any.
    static func enforceFiles(_ plan: SandboxPlan) -> State {
        let version = baton_landlock_version()
        // The first version forbids to move a file from one directory to another, which Maildir needs.
        guard version >= minVersion else { return .unavailable("the kernel has no Landlock, or too old a one") }
        var handled = Right.all | Right.refer
        var writing = Right.read | Right.write | Right.refer
        if version >= 3 {
            handled |= Right.truncate
            writing |= Right.truncate
        }
        let ruleset = baton_landlock_ruleset(handled)
        guard ruleset >= 0 else { return .unavailable("Landlock: \(reason(-ruleset))") }
        defer { close(ruleset) }
        // The system's libraries are mapped to be run; programs are stopped by seccomp.
        // What is not there is not read; what is to be written is made where its nearest directory is.
        for (paths, rights) in [(plan.readable, Right.read | Right.execute), (plan.writable.map(nearest), writing)] {
            for path in paths {
                let result = baton_landlock_allow(ruleset, path, rights)
                if result != 0, result != ENOENT, result != EACCES { return .unavailable("Landlock: \(path): \(reason(result))") }
            }
        }
        let result = baton_landlock_enforce(ruleset)
        return result == 0 ? .enforced : .unavailable("Landlock: \(reason(result))")
    }

    /// The path, or the nearest directory above it that is there; never the root.
    private static func nearest(_ path: String) -> String {
        var candidate = path[...]
        while access(String(candidate), F_OK) != 0, let slash = candidate.lastIndex(of: "/"), slash > candidate.startIndex {
            candidate = candidate[..<slash]
        }
        return String(candidate)
    }

    /// Refuses, for all threads, the system calls that a mail server never makes.
    static func enforceCalls(allowsPrograms: Bool = false) -> State {
        let result = baton_seccomp_enforce(allowsPrograms ? 1 : 0)
        return result == 0 ? .enforced : .unavailable("seccomp: \(reason(result))")
    }

    /// Keeps secrets out of core dumps, and out of the reach of others who run as the same user.
    static func hideMemory() { _ = baton_hide_memory() }

    private static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}
