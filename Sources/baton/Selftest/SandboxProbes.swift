import Configuration
import CSandbox
import Glibc

/// Tries, under the sandbox, what must not be possible there, and what must.
enum SandboxProbes {
    /// Puts the sandbox of `configuration` in force for this process, for good, and tries it.
    static func run(_ configuration: BatonConfiguration, path: String) -> SelftestReport {
        var report = SelftestReport()
        func add(_ name: String, _ isRight: Bool, _ detail: String) {
            report.lines.append(SelftestLine(row: "37", name: name, outcome: isRight ? .ok : .finding, detail: detail))
        }
        ProcessSandbox.hideMemory()
        _ = mkdir(configuration.spool.directory, 0o751)
        for (name, state) in [("Landlock", ProcessSandbox.enforceFiles(SandboxPlan(configuration, path: path))), ("seccomp", ProcessSandbox.enforceCalls())] {
            switch state {
            case .enforced: add("\(name) in force", true, "enforced")
            case .unavailable(let why): add("\(name) in force", false, why)
            }
        }
        func mustFail(_ name: String, _ result: Int32) {
            add(name, result == EPERM || result == EACCES, result == 0 ? "it was possible" : reason(result))
        }
        func mustWork(_ name: String, _ result: Int32) { add(name, result == 0, result == 0 ? "possible" : reason(result)) }

        add("no core dumps", baton_is_dumpable() == 0, baton_is_dumpable() == 0 ? "not dumpable" : "dumpable")
        mustFail("listing the root directory", baton_attempt_read("/"))
        mustFail("reading /etc/shadow", baton_attempt_read("/etc/shadow"))
        mustFail("writing a file in /tmp", baton_attempt_write("/tmp/baton-selftest-\(getpid())"))
        mustFail("starting a program", baton_attempt_program("/bin/true"))
        mustFail("memory that is written and run", baton_attempt_executable_memory())
        mustFail("tracing", baton_attempt_trace())
        mustFail("a namespace of its own", baton_attempt_namespace())
        mustFail("changing the user", baton_attempt_user())
        mustFail("a socket of another family", baton_attempt_socket(AF_ALG))
        mustWork("a TCP socket", baton_attempt_socket(AF_INET6) == EAFNOSUPPORT ? baton_attempt_socket(AF_INET) : baton_attempt_socket(AF_INET6))
        mustWork("a Unix socket", baton_attempt_socket(AF_UNIX))
        mustWork("writing in the spool", baton_attempt_write(configuration.spool.directory + "/baton-selftest-\(getpid())"))
        mustWork("reading the configuration", baton_attempt_read(path))
        mustWork("a thread", startThread())
        return report
    }

    private static let AF_ALG: Int32 = 38

    private static func startThread() -> Int32 {
        var thread = pthread_t()
        let result = pthread_create(&thread, nil, { _ in nil }, nil)
        if result == 0 { pthread_join(thread, nil) }
        return result
    }

    private static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}
