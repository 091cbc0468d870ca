import Glibc
import Ports

/// The listening sockets that a service manager hands on (`sd_listen_fds(3)`).
public struct ActivatedSockets: Sendable {
    /// Descriptors with the name that the service manager gave them, in its order.
    public let sockets: [(name: String, descriptor: Int32)]
    private static let firstDescriptor: Int32 = 3
    private static let maxSockets: Int32 = 256

    /// Reads `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`; none when they are absent or meant for another process.
    public init(environment: [String: String], processID: Int32 = getpid()) {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == processID,
              let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }),
              (1...ActivatedSockets.maxSockets).contains(count) else {
            sockets = []
            return
        }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
        sockets = (0..<count).map { index in
            let name = Int(index) < names.count ? String(names[Int(index)]) : ""
            return (name, ActivatedSockets.firstDescriptor + index)
        }
    }

    /// Sockets that came some other way.
    public init(_ sockets: [(name: String, descriptor: Int32)]) { self.sockets = sockets }

    /// Where each of them is bound; what is no socket of mail's families is left out.
    public var endpoints: [SocketEndpoint: Int32] {
        Dictionary(sockets.compactMap { socket in
            ListeningSocket.boundEndpoint(socket.descriptor).map { ($0, socket.descriptor) }
        }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether a socket bound to `[::]` takes IPv4 connections too, as service managers bind it.
    public static func takesIPv4(_ descriptor: Int32) -> Bool {
        var only: CInt = 1
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &only, &length) == 0 && only == 0
    }
}
