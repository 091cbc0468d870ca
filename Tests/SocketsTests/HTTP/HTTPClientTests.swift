import Ports
import Synchronization
import Testing

@testable import Sockets

@Suite("HTTP client", .timeLimit(.minutes(1)))
struct HTTPClientTests {
    private typealias Answer = Result<HTTPResponse, HTTPClientError>

    private func settings(_ change: (inout HTTPClientSettings) -> Void = { _ in }) -> HTTPClientSettings {
        var settings = HTTPClientSettings()
        settings.allowsPrivateAddresses = true
        change(&settings)
        return settings
    }

    private func send(_ request: HTTPRequest, _ settings: HTTPClientSettings, addresses: [IPAddress] = [.loopback]) throws -> Answer? {
        let client = try HTTPClient(settings: settings) { _, loop, completion in loop.execute { completion(addresses) } }
        let answer = Mutex<Answer?>(nil)
        let done = Signal()
        let loop = loops.loops[0]
        loop.execute {
            client.send(request, on: loop) { result in
                answer.withLock { $0 = result }
                done.raise()
            }
        }
        _ = done.wait { answer.withLock { $0 != nil } }
        return answer.withLock { $0 }
    }

    /// A server that answers the end of a request's header with `reply`.
    private func server(_ reply: String, closes: Bool = false) -> ScriptedEnd {
        ScriptedEnd { event, connection, _ in
            guard case .received(let bytes) = event, String(decoding: bytes, as: UTF8.self).contains("\r\n\r\n") else { return }
            connection.write(Array(reply.utf8))
            connection.flush()
            if closes { connection.close() }
        }
    }

    private func url(_ listener: NIOListener, _ target: String = "/p") throws -> HTTPURL {
        guard case .ip(_, let port) = listener.endpoint else { throw HTTPClientError.timedOut }
        return try #require(HTTPURL("http://host.example:\(port)\(target)"))
    }

    @Test("one request, one response")
    func post() throws {
        let end = server("HTTP/1.1 201 Created\r\nContent-Length: 2\r\nReplay-Nonce: x\r\n\r\nok")
        let listener = try listen { _ in end }
        defer { listener.close() }
        let request = HTTPRequest("POST", try url(listener), fields: [.init("Accept", "text/plain")], body: Array("abc".utf8))
        let response = try #require(try send(request, settings())).get()
        #expect(response.status == 201 && response.body == Array("ok".utf8) && response.field("replay-nonce") == "x")
        _ = end.history()
        let sent = String(decoding: end.input, as: UTF8.self)
        #expect(sent.hasPrefix("POST /p HTTP/1.1\r\nHost: host.example:") && sent.hasSuffix("\r\n\r\nabc"))
        #expect(sent.contains("Content-Length: 3\r\n") && sent.contains("Connection: close\r\n"))
    }

    @Test("a redirection is an answer, not a way to go")
    func redirection() throws {
        let end = server("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")
        let listener = try listen { _ in end }
        defer { listener.close() }
        #expect(try #require(try send(HTTPRequest("GET", url(listener)), settings())).get().status == 302)
    }

    @Test("a response above the limit is refused, one on it is not")
    func size() throws {
        let end = server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        let listener = try listen { _ in end }
        defer { listener.close() }
        let on = try send(HTTPRequest("GET", url(listener), maxResponseOctets: 5), settings())
        #expect(on == .success(HTTPResponse(status: 200, fields: [.init("Transfer-Encoding", "chunked")], body: Array("abcde".utf8))))
        #expect(try send(HTTPRequest("GET", url(listener), maxResponseOctets: 4), settings()) == .failure(.tooLarge))
    }

    @Test("a server that says nothing is given its time")
    func silence() throws {
        let listener = try listen { _ in ScriptedEnd() }
        defer { listener.close() }
        #expect(try send(HTTPRequest("GET", url(listener), timeout: .milliseconds(50)), settings()) == .failure(.timedOut))
    }

    @Test("what ends early or is no HTTP is malformed", arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "220 mail.example ESMTP\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    ])
    func malformed(_ reply: String) throws {
        let end = server(reply, closes: true)
        let listener = try listen { _ in end }
        defer { listener.close() }
        guard case .failure(.malformed)? = try send(HTTPRequest("GET", url(listener)), settings()) else {
            Issue.record("not malformed")
            return
        }
    }

    @Test("private addresses are not gone to, by name or by number", arguments: ["127.0.0.1", "169.254.169.254", "::1", "10.0.0.1"])
    func forbidden(_ text: String) throws {
        let address = try #require(IPAddress(text))
        let named = HTTPRequest("GET", try #require(HTTPURL("https://mta-sts.example/")))
        #expect(try send(named, HTTPClientSettings(), addresses: [address]) == .failure(.forbiddenAddress("mta-sts.example")))
        guard let url = HTTPURL("http://\(text)/") else { return }
        #expect(try send(HTTPRequest("GET", url), HTTPClientSettings()) == .failure(.forbiddenAddress(text)))
    }

    @Test("a host without an address")
    func unresolved() throws {
        let request = HTTPRequest("GET", try #require(HTTPURL("https://nowhere.example/")))
        #expect(try send(request, settings(), addresses: []) == .failure(.unresolved("nowhere.example")))
    }

    @Test("a server without TLS fails the handshake, not the certificate check")
    func notTLS() throws {
        let end = ScriptedEnd { event, connection, _ in
            if event == .opened { connection.write(Array("220 mail.example ESMTP\r\n".utf8)); connection.flush() }
        }
        let listener = try listen { _ in end }
        defer { listener.close() }
        guard case .ip(_, let port) = listener.endpoint else { return }
        let request = HTTPRequest("GET", try #require(HTTPURL("https://host.example:\(port)/")))
        guard case .failure(.handshake)? = try send(request, settings()) else {
            Issue.record("no handshake error")
            return
        }
    }
}

@Suite("Addresses of the public internet")
struct IPAddressReachTests {
    @Test(arguments: ["8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "223.255.255.255", "2606:4700::1", "2a00:1450::1",
                      "64:ff9b::808:808", "::ffff:8.8.8.8", "2001:4860::1"])
    func reachable(_ text: String) throws { #expect(try #require(IPAddress(text)).isPubliclyReachable) }

    @Test(arguments: ["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.2.1",
                      "192.168.1.1", "198.18.0.1", "198.19.255.255", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1",
                      "fd00::1", "ff02::1", "2001:db8::1", "2002:7f00:1::", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2001::1", "3fff::1"])
    func special(_ text: String) throws { #expect(!(try #require(IPAddress(text)).isPubliclyReachable)) }
}
