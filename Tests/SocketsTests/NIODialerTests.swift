import Glibc
import Ports
import Synchronization
import Testing

@testable import Sockets

@Suite("Dialing", .timeLimit(.minutes(1)))
struct NIODialerTests {
    private func dial(_ endpoint: SocketEndpoint, from source: IPAddress? = nil, timeout: Duration = .seconds(10),
                      _ end: ScriptedEnd) -> Result<Void, ConnectionError>? {
        let outcome = Mutex<Result<Void, ConnectionError>?>(nil)
        let done = end.arrived
        loops.loops[0].execute {
            NIODialer().dial(endpoint, from: source, timeout: timeout, on: loops.loops[0], handler: end) { error in
                outcome.withLock { $0 = .failure(error) }
                done.raise()
            }
        }
        _ = done.wait { outcome.withLock { $0 != nil } || end.hasSeen(.opened) }
        return outcome.withLock { $0 } ?? (end.hasSeen(.opened) ? .success(()) : nil)
    }

    @Test("connects from the source address given")
    func source() throws {
        let remote = Mutex<SocketEndpoint?>(nil)
        let server = ScriptedEnd { event, connection, _ in
            guard event == .opened else { return }
            remote.withLock { $0 = connection.remoteEndpoint }
            connection.write(Array("220".utf8))
            connection.close()
        }
        let listener = try listen { _ in server }
        defer { listener.close() }
        let client = ScriptedEnd()
        let source = try #require(IPAddress("127.0.0.2"))
        guard case .success? = dial(listener.endpoint, from: source, client) else {
            Issue.record("not connected")
            return
        }
        #expect(client.history() == [.opened, .received(Array("220".utf8)), .closed(nil)])
        guard case .ip(source, _)? = remote.withLock({ $0 }) else {
            Issue.record("another source")
            return
        }
    }

    @Test("a port that nobody listens on refuses")
    func refused() throws {
        let listener = try ListeningSocket(.ip(.loopback, port: 0), settings: ListenerSettings())
        let endpoint = listener.endpoint
        Glibc.close(listener.release())
        let end = ScriptedEnd()
        guard case .failure(.refused)? = dial(endpoint, end) else {
            Issue.record("not refused")
            return
        }
        #expect(!end.hasSeen(.opened))
    }

    @Test("a Unix socket that does not exist refuses")
    func noFile() throws {
        guard case .failure(.refused)? = dial(.unix(path: temporaryDirectory() + "/absent"), ScriptedEnd()) else {
            Issue.record("not refused")
            return
        }
    }

    @Test("a server that does not answer times out")
    func timeout() throws {
        // Linux answers no more connections once the backlog is full.
        var settings = ListenerSettings()
        settings.backlog = 0
        let socket = try ListeningSocket(.ip(.loopback, port: 0), settings: settings)
        let endpoint = socket.endpoint
        let first = try #require(PlainClient(endpoint))
        guard case .failure(.timedOut)? = dial(endpoint, timeout: .milliseconds(30), ScriptedEnd()) else {
            Issue.record("not timed out")
            return
        }
        first.endOutput()
        Glibc.close(socket.release())
    }

    @Test("a source of the other address family is an error, not a trap")
    func families() {
        let source = IPAddress("::1")
        guard case .failure(.system)? = dial(.ip(.loopback, port: 1), from: source, ScriptedEnd()) else {
            Issue.record("no error")
            return
        }
    }
}
