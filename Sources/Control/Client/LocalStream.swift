import Glibc

/// A blocking connection to a Unix socket, for commands; every wait has an end.
public final class LocalStream {
    /// Why a stream could not be made or broke.
    public enum Failure: Error, Hashable, Sendable {
        /// Nothing listens at the path.
        case notListening
        /// This user may not connect.
        case notAllowed
        /// No answer in time.
        case timedOut
        /// The other side went away.
        case ended
        /// Anything else, by its `errno`.
        case system(Int32)
    }

    private let descriptor: CInt
    private let timeout: CInt

    /// Connects to the socket at `path`; each later wait lasts `timeoutSeconds` at most.
    public init(path: String, timeoutSeconds: Int32) throws(Failure) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard !name.isEmpty, name.count < room, !name.contains(0) else { throw .system(ENAMETOOLONG) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(errno) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            switch code {
            case ENOENT, ECONNREFUSED, ENOTDIR: throw .notListening
            case EACCES, EPERM: throw .notAllowed
            default: throw .system(code)
            }
        }
        self.descriptor = descriptor
        timeout = timeoutSeconds.multipliedReportingOverflow(by: 1000).overflow ? .max : timeoutSeconds * 1000
    }

    deinit { close(descriptor) }

    /// Sends all of `bytes`.
    public func write(_ bytes: [UInt8]) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            try wait(for: POLLOUT)
            let sent = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)) }
            if sent >= 0 {
                rest = rest.dropFirst(sent)
            } else if errno == EPIPE || errno == ECONNRESET {
                throw .ended
            } else if errno != EAGAIN, errno != EINTR {
                throw .system(errno)
            }
        }
    }

    /// What has come in, at least one octet; empty at the end of the stream.
    public func read() throws(Failure) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            try wait(for: POLLIN)
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count >= 0 { return Array(buffer[..<count]) }
            if errno == ECONNRESET { throw .ended }
            if errno != EINTR, errno != EAGAIN { throw .system(errno) }
        }
    }

    /// Tells the other side that nothing more will be sent.
    public func endOutput() throws(Failure) {
        guard shutdown(descriptor, CInt(SHUT_WR)) == 0 else { throw .system(errno) }
    }

    /// Copies standard input to the stream and the stream to standard output until the stream ends.
    public func pipe(input: CInt, output: CInt) throws(Failure) {
        var isInputOpen = true
        while true {
            var events = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                          pollfd(fd: isInputOpen ? input : -1, events: Int16(POLLIN), revents: 0)]
            guard poll(&events, 2, timeout) > 0 else {
                if errno == EINTR { continue }
                throw .timedOut
            }
            if events[1].revents != 0 {
                var buffer = [UInt8](repeating: 0, count: 65_536)
                let count = Glibc.read(input, &buffer, buffer.count)
                if count > 0 {
                    try write(Array(buffer[..<count]))
                } else {
                    isInputOpen = false
                    try endOutput()
                }
            }
            if events[0].revents != 0 {
                let bytes = try read()
                if bytes.isEmpty { return }
                guard writeAll(bytes, to: output) else { return }
            }
        }
    }

    private func wait(for events: Int32) throws(Failure) {
        var event = pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0)
        while true {
            let result = poll(&event, 1, timeout)
            if result > 0 { return }
            if result == 0 { throw .timedOut }
            if errno != EINTR { throw .system(errno) }
        }
    }
}

/// Writes all of `bytes` to `descriptor`; false when that fails.
func writeAll(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count > 0 {
            rest = rest.dropFirst(count)
        } else if errno != EINTR {
            return false
        }
    }
    return true
}
