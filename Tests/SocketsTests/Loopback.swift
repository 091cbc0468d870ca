import Glibc
import NIOCore
import Ports
import Synchronization

@testable import Sockets

/// Two loops that all tests of this target share.
let loops = LoopGroup(count: 2)

/// What a test's server or client end saw, told to the test thread as it happens.
///
/// The script says what the end does; it runs on the connection's loop.
final class ScriptedEnd: ConnectionHandler, @unchecked Sendable {
    enum Event: Equatable {
        case opened
        case received([UInt8])
        case writable
        case secured(TLSSummary)
        case tlsFailed(TLSFailure)
        case closed(ConnectionError?)
    }

    typealias Script = @Sendable (Event, any Connection, ScriptedEnd) -> Void

    private let script: Script
    private let events = Mutex<[Event]>([])
    /// Raised at every event.
    let arrived = Signal()
    // Touched on the connection's loop only.
    private var connection: (any Connection)?

    init(_ script: @escaping Script = { _, _, _ in }) { self.script = script }

    func opened(_ connection: any Connection) {
        self.connection = connection
        note(.opened)
    }
    func received(_ bytes: UnsafeRawBufferPointer) { note(.received(Array(bytes))) }
    func receivedAll() { connection?.flush() }
    func writable() { note(.writable) }
    func tlsEstablished(_ summary: TLSSummary) { note(.secured(summary)) }
    func tlsFailed(_ failure: TLSFailure) { note(.tlsFailed(failure)) }
    func closed(_ error: ConnectionError?) { note(.closed(error)) }

    private func note(_ event: Event) {
        events.withLock { $0.append(event) }
        if let connection { script(event, connection, self) }
        arrived.raise()
    }

    /// All events until the connection is closed, or until ten seconds have passed.
    func history() -> [Event] {
        _ = arrived.wait { self.events.withLock { $0.contains { if case .closed = $0 { true } else { false } } } }
        return events.withLock { $0 }
    }

    /// Whether `event` happens.
    func sees(_ event: Event) -> Bool { arrived.wait { self.events.withLock { $0.contains(event) } } }

    /// Whether `event` has happened already.
    func hasSeen(_ event: Event) -> Bool { events.withLock { $0.contains(event) } }

    /// All bytes received so far.
    var input: [UInt8] { events.withLock { $0.flatMap { if case .received(let bytes) = $0 { bytes } else { [UInt8]() } } } }

    /// Runs `job` with the connection on its loop.
    func perform(on loop: any Loop, _ job: @escaping @Sendable (any Connection) -> Void) {
        loop.execute { if let connection = self.connection { job(connection) } }
    }
}

/// A condition that a test thread waits for.
final class Signal: @unchecked Sendable {
    private var mutex = pthread_mutex_t()
    private var condition = pthread_cond_t()

    init() {
        pthread_mutex_init(&mutex, nil)
        pthread_cond_init(&condition, nil)
    }

    func raise() {
        pthread_mutex_lock(&mutex)
        pthread_cond_broadcast(&condition)
        pthread_mutex_unlock(&mutex)
    }

    func wait(until isTrue: () -> Bool) -> Bool {
        var limit = timespec()
        clock_gettime(CLOCK_REALTIME, &limit)
        limit.tv_sec += 10
        pthread_mutex_lock(&mutex)
        defer { pthread_mutex_unlock(&mutex) }
        while !isTrue() {
            if pthread_cond_timedwait(&condition, &mutex, &limit) != 0 { return isTrue() }
        }
        return true
    }
}

extension Signal {
    /// Waits for what nobody raises a signal for.
    func poll(until isTrue: () -> Bool) -> Bool {
        for _ in 0..<10_000 {
            if isTrue() { return true }
            usleep(1000)
        }
        return false
    }
}

/// A plain blocking client, to see what really goes over the wire.
final class PlainClient {
    let descriptor: CInt

    /// Connects; nil when that fails.
    init?(_ endpoint: SocketEndpoint) {
        guard let address = endpoint.socketAddress else { return nil }
        let family = if case .unix = endpoint { AF_UNIX } else { AF_INET }
        descriptor = socket(family, CInt(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard address.withSockAddr({ connect(descriptor, $0, socklen_t($1)) }) == 0 else {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) }
    func send(_ text: String) { send(Array(text.utf8)) }
    func endOutput() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Resets the connection.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        dup2(open("/dev/null", O_RDONLY), descriptor)
    }

    /// Reads what is there, at least one byte; nothing at the end of the stream.
    func readSome() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65536)
        return Array(buffer[..<max(0, Glibc.read(descriptor, &buffer, buffer.count))])
    }

    /// Reads up to `count` bytes, or to the end of the stream.
    func read(_ count: Int = .max) -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while result.count < count {
            let got = Glibc.read(descriptor, &buffer, min(buffer.count, count - result.count))
            guard got > 0 else { break }
            result += buffer[..<got]
        }
        return result
    }
}

/// Listens on a free port; the server's end of each connection comes from `make`.
func listen(_ settings: ListenerSettings = ListenerSettings(), at endpoint: SocketEndpoint = .ip(.loopback, port: 0),
            _ make: @escaping @Sendable (NIOLoop) -> ScriptedEnd) throws -> NIOListener {
    try NIOListener.listen(on: endpoint, settings: settings, group: loops) { make($0) }
}

/// A new empty directory under the system's folder for temporary files.
func temporaryDirectory() -> String {
    var template = Array("/tmp/baton-sockets-XXXXXX".utf8CString)
    return mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
}
