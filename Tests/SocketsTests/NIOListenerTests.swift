import Glibc
import NIOCore
import Ports
import Synchronization
import Testing

@testable import Sockets

@Suite("Listeners", .timeLimit(.minutes(1)))
struct NIOListenerTests {
    private func mode(_ path: String) -> UInt32? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }

    @Test("a Unix socket has its permissions, tells the peer's user, and is removed at the end")
    func unixSocket() throws {
        let path = temporaryDirectory() + "/control"
        var settings = ListenerSettings()
        settings.fileMode = 0o666
        settings.fileGroup = getgid()
        let user = Mutex<UInt32?>(nil)
        let remote = Mutex<SocketEndpoint?>(nil)
        let end = ScriptedEnd { event, connection, _ in
            guard event == .opened else { return }
            user.withLock { $0 = connection.peerUserID }
            remote.withLock { $0 = connection.localEndpoint }
            connection.close()
        }
        let listener = try listen(settings, at: .unix(path: path)) { _ in end }
        #expect(mode(path) == 0o666)
        let client = try #require(PlainClient(listener.endpoint))
        _ = client.read()
        #expect(user.withLock { $0 } == getuid())
        #expect(remote.withLock { $0 } == .unix(path: path))
        listener.close()
        #expect(mode(path) == nil)
    }

    @Test("a socket file that nobody serves is replaced, one that is served is not")
    func staleFile() throws {
        let path = temporaryDirectory() + "/control"
        let endpoint = SocketEndpoint.unix(path: path)
        let stale = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        let address = try #require(endpoint.socketAddress)
        #expect(address.withSockAddr { bind(stale, $0, socklen_t($1)) } == 0)
        Glibc.close(stale)
        let listener = try listen(at: endpoint) { _ in ScriptedEnd() }
        #expect(throws: ListenError(endpoint: endpoint, operation: "bind", code: EADDRINUSE)) {
            _ = try listen(at: endpoint) { _ in ScriptedEnd() }
        }
        #expect(mode(path) == 0o660)
        listener.close()
    }

    @Test("other files are never removed to make room for a socket")
    func otherFile() throws {
        let path = temporaryDirectory() + "/control"
        Glibc.close(open(path, O_CREAT | O_WRONLY, 0o600))
        #expect(throws: ListenError.self) { _ = try listen(at: .unix(path: path)) { _ in ScriptedEnd() } }
        #expect(mode(path) == 0o600)
    }

    @Test("errors name the endpoint and what to do")
    func portInUse() throws {
        let listener = try listen { _ in ScriptedEnd() }
        defer { listener.close() }
        do {
            _ = try listen(at: listener.endpoint) { _ in ScriptedEnd() }
            Issue.record("listened twice")
        } catch let error as ListenError {
            #expect(error.description ==
                "cannot listen on \(listener.endpoint): bind: Address already in use; another program uses this port")
        }
    }

    @Test("past the limit, connections wait until others end")
    func limit() throws {
        var settings = ListenerSettings()
        settings.maxConnections = 1
        let ends = Mutex<[ScriptedEnd]>([])
        let listener = try listen(settings) { _ in
            let end = ScriptedEnd { event, connection, _ in
                if event == .opened {
                    connection.write(Array("220".utf8))
                    connection.flush()
                }
            }
            ends.withLock { $0.append(end) }
            return end
        }
        defer { listener.close() }
        do {
            let first = try #require(PlainClient(listener.endpoint))
            #expect(first.read(3).count == 3)
            #expect(listener.connectionCount == 1)
            first.endOutput()
            _ = first.read()
        }
        for _ in 0..<5 {
            let next = try #require(PlainClient(listener.endpoint))
            #expect(next.read(3).count == 3)
            next.endOutput()
            #expect(next.read().isEmpty)
        }
    }

    @Test("an inherited socket is served")
    func inherited() throws {
        let socket = try ListeningSocket(.ip(.loopback, port: 0), settings: ListenerSettings())
        let listener = try NIOListener.listen(inherited: socket.release(), group: loops) { _ in
            ScriptedEnd { event, connection, _ in
                if event == .opened { connection.write(Array("220".utf8)) }
                connection.close()
            }
        }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        #expect(client.read().count == 3)
    }

    @Test("without descriptors the listener waits instead of spinning, and goes on when there are some")
    func exhausted() async {
        // In a process of its own: the limit is one of the process.
        await #expect(processExitsWith: .success) {
            let listener = try listen { _ in
                ScriptedEnd { event, connection, _ in
                    if event == .opened {
                        connection.write(Array("220".utf8))
                        connection.flush()
                    }
                }
            }
            // The first connection makes sure that everything that needs a descriptor has got one.
            #expect(PlainClient(listener.endpoint)?.read(3).count == 3)
            var limit = rlimit(rlim_cur: 64, rlim_max: 64)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            var clients: [PlainClient] = []
            while clients.count < 64, let client = PlainClient(listener.endpoint) { clients.append(client) }
            let failed = Signal()
            #expect(failed.poll { listener.admission.failures > 0 })
            clients = []
            #expect(failed.poll { PlainClient(listener.endpoint)?.read(3).count == 3 })
            #expect(listener.admission.failures < 50)
        }
    }
}
