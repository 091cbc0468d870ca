import Glibc

/// Tells the service manager how the daemon is, by datagrams to the socket it named (sd_notify(3)).
struct SystemdNotifier: Sendable {
    private let path: String?

    /// A notifier for the socket `path` (NOTIFY_SOCKET); silent where it is nil or empty.
    init(path: String?) {
        self.path = path.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The daemon serves; `status` is shown by `systemctl status`.
    func ready(status: String) { send("READY=1\nSTATUS=\(status)") }

    /// A reload has begun.
    func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        send("RELOADING=1\nMONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1000)")
    }

    /// The daemon is going away.
    func stopping() { send("STOPPING=1") }

    /// Shows `status` without a change of state.
    func status(_ status: String) { send("STATUS=\(status)") }

    private func send(_ message: String) {
        guard let path else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        // A leading @ stands for an abstract socket, whose name begins with NUL.
        if name.first == UInt8(ascii: "@") { name[0] = 0 }
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let text = Array(message.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), generic, length)
            }
        }
    }
}
