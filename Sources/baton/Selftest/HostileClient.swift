import Glibc

/// A client on a plain socket that says what it likes, for probing a server.
///
/// It waits: it is for a command that does one thing after the other.
final class HostileClient {
    /// What a server does when it is waited for.
    enum Answer: Equatable {
        /// A whole reply: its code and its text.
        case reply(Int, String)
        /// The connection is closed.
        case closed
        /// Nothing within the time.
        case silence
    }

    private let descriptor: CInt
    private var buffer: [UInt8] = []
    private var isClosed = false

    /// Octets of replies that are kept; more is a finding of its own.
    private static let maxOctets = 1 << 20

    /// Connects within five seconds, from an address of this host where one is named; nil when nobody answers.
    init?(host: String, port: UInt16, source: String? = nil) {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &list) == 0, let first = list else { return nil }
        defer { freeaddrinfo(list) }
        let descriptor = socket(first.pointee.ai_family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var on: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        guard source.map({ HostileClient.bind(descriptor, to: $0, family: first.pointee.ai_family) }) ?? true,
              connect(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    private static func bind(_ descriptor: CInt, to source: String, family: CInt) -> Bool {
        var hints = addrinfo()
        hints.ai_family = family
        hints.ai_flags = AI_NUMERICHOST
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(source, nil, &hints, &list) == 0, let first = list else { return false }
        defer { freeaddrinfo(list) }
        return Glibc.bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0
    }

    /// The addresses of both ends, as text; nil when there is no connection.
    var addresses: (own: String, server: String)? {
        guard let own = HostileClient.text(of: { getsockname(descriptor, $0, $1) }),
              let server = HostileClient.text(of: { getpeername(descriptor, $0, $1) }) else { return nil }
        return (own, server)
    }

    private static func text(of get: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt) -> String? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
                guard get(address, &length) == 0,
                      getnameinfo(address, length, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0 else { return nil }
                return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
    }

    deinit { close(descriptor) }

    /// Sends octets; false when the server takes no more.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Sends text as it is.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Sends octets in segments of their own.
    func trickle(_ bytes: [UInt8], pauseMilliseconds: UInt32 = 0) {
        for byte in bytes {
            guard send([byte]) else { return }
            usleep(pauseMilliseconds * 1000 + 200)
        }
    }

    /// Sends a line and waits for the reply to it.
    func say(_ line: String, waitMilliseconds: Int32 = 15_000) -> Answer {
        send(line + "\r\n")
        return answer(waitMilliseconds: waitMilliseconds)
    }

    /// The next reply, all its lines.
    func answer(waitMilliseconds: Int32 = 15_000) -> Answer {
        while true {
            if let reply = takeReply() { return reply }
            if isClosed { return .closed }
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&poller, 1, waitMilliseconds) > 0 else { return .silence }
            receive()
        }
    }

    /// What the server says, whatever it is, until it closes or says nothing for a while.
    func octets(waitMilliseconds: Int32) -> [UInt8] {
        while !isClosed {
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&poller, 1, waitMilliseconds) > 0 else { break }
            receive()
        }
        return buffer
    }

    private func receive() {
        var chunk = [UInt8](repeating: 0, count: 8192)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count <= 0 || buffer.count > HostileClient.maxOctets { isClosed = true } else { buffer += chunk[..<count] }
    }

    /// The codes of all replies until the server closes or says nothing for a while.
    func remainingCodes(waitMilliseconds: Int32) -> [Int] {
        var codes: [Int] = []
        while case .reply(let code, _) = answer(waitMilliseconds: waitMilliseconds) { codes.append(code) }
        return codes
    }

    private func takeReply() -> Answer? {
        var start = 0
        var text: [String] = []
        while let end = buffer[start...].firstIndex(of: 0x0a) {
            var line = buffer[start..<end]
            if line.last == 0x0d { line = line.dropLast() }
            start = end + 1
            text.append(String(decoding: line.dropFirst(4), as: UTF8.self))
            let isLast = line.count < 4 || line[line.startIndex + 3] != UInt8(ascii: "-")
            guard isLast else { continue }
            buffer.removeFirst(start)
            return .reply(Int(String(decoding: line.prefix(3), as: UTF8.self)) ?? 0, text.joined(separator: "\n"))
        }
        return nil
    }
}

extension HostileClient.Answer {
    /// The code; 0 where there is no reply.
    var code: Int { if case .reply(let code, _) = self { code } else { 0 } }

    /// Whether this is a refusal for good, or the end of the connection.
    var isRefusal: Bool { self == .closed || (500..<600).contains(code) || code == 421 }

    /// The answer for people.
    var text: String {
        switch self {
        case .reply(let code, let text): "\(code) \(text.prefix(60))"
        case .closed: "closed"
        case .silence: "no answer"
        }
    }
}
