import Configuration
import Delivery
import Events
import Glibc
import Ports

/// The files that the daemon still needs once it runs, reloads included.
struct SandboxPlan: Equatable {
    /// Directories and files that are read.
    var readable: [String]
    /// Directories in which files are made, written and removed.
    var writable: [String]
    /// Those of them that hold mailboxes.
    var mailboxRoots: [String]
    /// Whether a program of the administrator's must be started.
    var runsPrograms: Bool

    /// What the system's libraries read: names, certificates, time zones, locales, more of themselves.
    private static let system = [
        "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
        "/etc/passwd", "/etc/group", "/etc/localtime", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/unbound", "/etc/ld.so.cache",
        "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/dns", "/usr/share/zoneinfo", "/usr/share/ca-certificates", "/usr/share/publicsuffix",
        "/run/systemd/resolve", "/proc", "/sys/devices/system/cpu", "/sys/fs/cgroup", "/dev/urandom", "/dev/random",
    ]

    /// The plan for a configuration that was read from `path`.
    init(_ configuration: BatonConfiguration, path: String) {
        var readable = SandboxPlan.system + [SandboxPlan.directory(of: path)]
        readable += [configuration.dns.zone, configuration.dns.trustAnchor, configuration.dns.hostsFile].compactMap { $0 }.map { SandboxPlan.directory(of: $0) }
        if let templates = configuration.bounces.templates { readable.append(templates) }
        readable += BatonConfiguration.paths(in: path).flatMap(SandboxPlan.places)
        var writable = [configuration.spool.directory, configuration.maildrop, SandboxPlan.directory(of: configuration.control.socket),
                        SandboxPlan.directory(of: configuration.control.submitSocket), "/dev/null"]
        // The database of accounts has files beside it that come and go.
        writable.append(SandboxPlan.directory(of: configuration.accountDatabase))
        for listener in configuration.listeners {
            for case .unix(let path) in listener.address.endpoints { writable.append(SandboxPlan.directory(of: path)) }
        }
        var mailboxRoots: [String] = []
        for route in configuration.routes.values {
            switch route {
            case .maildir(let path): mailboxRoots.append(SandboxPlan.root(ofTemplate: path))
            case .sandbox(let path): mailboxRoots.append(path)
            case .mx, .smarthost, .lmtp, .discard, .reject: break
            }
        }
        runsPrograms = configuration.tls.acme?.hook != nil
        // What such a program needs nobody can know: the system's own files at least.
        if runsPrograms { readable += ["/bin", "/usr", "/etc"] }
        self.readable = SandboxPlan.unique(readable)
        self.writable = SandboxPlan.unique(writable + mailboxRoots)
        self.mailboxRoots = SandboxPlan.unique(mailboxRoots).sorted()
    }

    /// Makes the directories for mailboxes that are missing, and tells which cannot be made: once files are closed,
    /// nothing can be made outside of what there was.
    func makeMailboxRoots(_ files: any MailboxFiles) -> [(path: String, reason: String)] {
        mailboxRoots.compactMap { root in
            let path = MailboxPath(root: root)
            do throws(MailboxFileError) {
                try files.makeDirectory(path)
                return nil
            } catch {
                return (root, error.diagnosis(path: path).explanation)
            }
        }
    }

    /// Where a file that the configuration names is found, also where it is a link, as certificates are that renew themselves.
    private static func places(of path: String) -> [String] {
        guard !path.contains("{") else { return [] }
        var facts = stat()
        guard stat(path, &facts) == 0 else { return [directory(of: path)] }
        if facts.st_mode & S_IFMT == S_IFDIR { return [path] }
        guard let real = realpath(path, nil) else { return [directory(of: path)] }
        defer { free(real) }
        return [directory(of: path), directory(of: String(cString: real))]
    }

    /// Whether a process under `self` can do all that `other` asks for.
    func missing(for other: SandboxPlan) -> [String] {
        func covers(_ roots: [String], _ path: String) -> Bool { roots.contains { path == $0 || path.hasPrefix($0 == "/" ? $0 : $0 + "/") } }
        return other.readable.filter { !covers(readable + writable, $0) } + other.writable.filter { !covers(writable, $0) }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last directory of a path template that is the same for all mailboxes.
    private static func root(ofTemplate path: String) -> String {
        guard let brace = path.firstIndex(of: "{") else { return path }
        return directory(of: String(path[..<brace]))
    }

    private static func unique(_ paths: [String]) -> [String] {
        var seen: Set<String> = []
        return paths.filter { seen.insert($0).inserted }
    }
}
