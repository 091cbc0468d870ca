@testable import baton
import Glibc
import Testing

// sd_notify(3)
@Suite struct SystemdNotifierTests {
    @Test("Each state is one datagram")
    func states() throws {
        let folder = try TemporaryFolder()
        let manager = try ServiceManager(path: folder.path + "/notify")
        let notifier = SystemdNotifier(path: manager.path)
        notifier.ready(status: "serving on 127.0.0.1:25")
        #expect(manager.next() == "READY=1\nSTATUS=serving on 127.0.0.1:25")
        notifier.status("working")
        #expect(manager.next() == "STATUS=working")
        notifier.stopping()
        #expect(manager.next() == "STOPPING=1")
        #expect(manager.next() == nil)
    }

    @Test("A reload tells when it began, by the clock that the manager compares with")
    func reloading() throws {
        let folder = try TemporaryFolder()
        let manager = try ServiceManager(path: folder.path + "/notify")
        let before = Self.monotonicMicroseconds
        SystemdNotifier(path: manager.path).reloading()
        let after = Self.monotonicMicroseconds
        let fields = try #require(manager.next()).split(separator: "\n")
        #expect(fields.first == "RELOADING=1" && fields.count == 2)
        let time = try #require(fields.last?.split(separator: "=").last.flatMap { Int($0) })
        #expect(fields.last?.hasPrefix("MONOTONIC_USEC=") == true && (before...after).contains(time))
    }

    @Test("A name that begins with @ is an abstract socket")
    func abstract() throws {
        let manager = try ServiceManager(path: "@baton-test-\(getpid())")
        SystemdNotifier(path: manager.path).stopping()
        #expect(manager.next() == "STOPPING=1")
    }

    @Test("Without a manager nothing happens", arguments: [nil, "", "/nowhere/notify", String(repeating: "x", count: 200)])
    func absent(path: String?) {
        SystemdNotifier(path: path).ready(status: "serving")
    }

    private static var monotonicMicroseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }
}

/// The socket of a service manager.
final class ServiceManager {
    let path: String
    private let descriptor: CInt

    init(path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        if name.first == UInt8(ascii: "@") { name[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(result == 0)
    }

    deinit { close(descriptor) }

    /// The next datagram; nil when there is none.
    func next() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count >= 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
