import NIOSSL
import Ports
import Testing

@testable import Sockets

@Suite("TLS", .timeLimit(.minutes(1)))
struct TLSTests {
    private func names(_ server: NIOTLSServer, _ name: String?, _ verification: TLSVerification = .none) throws -> TLSExchange {
        try TLSExchange(server, TLSClientSettings(serverName: name, verification: verification))
    }

    @Test("both ends agree, and octets go both ways")
    func agrees() throws {
        let exchange = try names(NIOTLSServer(TLSFixtures.settings("ecdsa")), "mx.example", .names(["mx.example"]))
        #expect(exchange.summary?.version == .v1_3)
        #expect(exchange.summary?.isVerified == true)
        #expect(exchange.summary?.peerNames == ["mx.example", "mail.example"])
        #expect(exchange.server.secured?.serverName == "mx.example")
        #expect(exchange.client.input == Array("hello".utf8))
        #expect(exchange.client.history().last == .closed(nil))
        #expect(exchange.server.history().last == .closed(nil))
    }

    @Test("the certificate is chosen by the name, wildcards included; the first one serves strangers", arguments: [
        ("mx.example", "mx.example"), ("a.other.example", "*.other.example"), ("other.example", "mx.example"), (nil, "mx.example"),
    ] as [(String?, String)])
    func serverNames(asked: String?, expected: String) throws {
        let exchange = try names(NIOTLSServer(TLSFixtures.settings("rsa", "other", "ecdsa")), asked)
        #expect(exchange.summary?.peerNames.first == expected)
    }

    @Test("a name that is none gets an alert")
    func badName() throws {
        let context = try NIOTLSServer(TLSFixtures.settings("ecdsa"))
        let server = ScriptedEnd { event, connection, _ in
            if event == .opened { connection.startTLS(.server(context), timeout: .seconds(10)) }
        }
        let listener = try listen { _ in server }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        var hello = HelloBytes()
        hello.name = Array("a\\".utf8) + [0]
        client.send(hello.records())
        #expect(client.read() == [21, 3, 3, 0, 2, 2, 112])
        #expect(server.failure != nil)
    }

    @Test("a client without any protocol of ours gets an alert (RFC 7301 §3.2); one of ours is confirmed")
    func applicationProtocols() throws {
        let context = try NIOTLSServer(TLSFixtures.settings("ecdsa"))
        let server = ScriptedEnd { event, connection, _ in
            if event == .opened { connection.startTLS(.server(context), timeout: .seconds(10)) }
        }
        let listener = try listen { _ in server }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        var hello = HelloBytes()
        hello.protocols = ["h2", "http/1.1"]
        client.send(hello.records())
        #expect(client.read() == [21, 3, 3, 0, 2, 2, 120])
        #expect(server.failure == .noCommonProtocol)
    }

    @Test("ECDSA and RSA side by side: who cannot verify ECDSA gets RSA")
    func sideBySide() throws {
        let context = try NIOTLSServer(TLSFixtures.settings("ecdsa", "rsa"))
        func chosen(_ change: (inout HelloBytes) -> Void) -> Bool? {
            var bytes = HelloBytes()
            change(&bytes)
            guard case .complete(let hello) = bytes.records().withUnsafeBytes({ ClientHello.parse($0) }),
                  case .context(let choice) = context.choose(hello) else { return nil }
            return choice.configuration.certificateChain.first == (try? ecdsaLeaf())
        }
        #expect(chosen { _ in } == true)
        #expect(chosen { $0.schemes = [0x0804, 0x0401] } == false)
        #expect(chosen { $0.versions = [0x0303]; $0.suites = [0xc02f] } == false)
        #expect(chosen { $0.versions = [0x0303]; $0.suites = [0xc02f, 0xc02b] } == true)
        // ECDSA in suites only that are not served: the client has nothing to choose but RSA.
        #expect(chosen { $0.versions = [0x0303]; $0.suites = [0xc02f, 0xc009, 0xc00a, 0xc0ac] } == false)
    }

    @Test("below TLS 1.3 the server's order of cipher suites holds, not the client's")
    func cipherOrder() throws {
        let context = try NIOTLSServer(TLSFixtures.settings("ecdsa"))
        func suites(_ offered: [UInt16], versions: [UInt16] = [0x0303]) -> [UInt16]? {
            var bytes = HelloBytes()
            bytes.versions = versions
            bytes.suites = offered
            guard case .complete(let hello) = bytes.records().withUnsafeBytes({ ClientHello.parse($0) }),
                  case .context(let choice) = context.choose(hello) else { return nil }
            return choice.configuration.cipherSuiteValues.map(\.rawValue)
        }
        #expect(suites([0xcca9, 0xc02c, 0xc02b]) == [0xc02b])
        #expect(suites([0xcca9, 0xc02c]) == [0xc02c])
        #expect(suites([0x1301, 0xc02b], versions: [0x0304, 0x0303])?.count == 6)
    }

    private func ecdsaLeaf() throws -> NIOSSLCertificateSource? {
        .certificate(try NIOSSLCertificate.fromPEMBytes(TLSFixtures.bytes("ecdsa.pem"))[0])
    }

    @Test("a certificate that cannot be trusted ends the handshake and says why")
    func distrust() throws {
        let wanted = TLSVerification.names(["mx.example"])
        #expect(try names(NIOTLSServer(TLSFixtures.settings("untrusted")), "mx.example", wanted).failure == .notTrusted("no path to a trusted root"))
        #expect(try names(NIOTLSServer(TLSFixtures.settings("expired")), "mx.example", wanted).failure == .expired)
        #expect(try names(NIOTLSServer(TLSFixtures.settings("other")), "mx.example", wanted).failure
            == .wrongName(presented: ["*.other.example"]))
    }

    @Test("without verification any certificate does, and is not called verified")
    func opportunistic() throws {
        for name in ["untrusted", "expired", "other"] {
            let summary = try names(NIOTLSServer(TLSFixtures.settings(name)), "mx.example").summary
            #expect(summary?.isVerified == false)
        }
    }

    @Test("a function judges the presented chain in place of the roots")
    func judged() throws {
        let server = try NIOTLSServer(TLSFixtures.settings("untrusted"))
        let accepted = try names(server, "mx.example", .chain { $0.count == 1 && $0[0].first == 0x30 ? .accepted : .refused(.expired) })
        #expect(accepted.summary?.isVerified == true)
        #expect(accepted.summary?.peerCertificates.count == 1)
        let refused = try names(server, "mx.example", .chain { _ in .refused(.notTrusted("no TLSA record matches")) })
        #expect(refused.failure == .notTrusted("no TLSA record matches"))
        #expect(refused.server.secured == nil || refused.server.input.isEmpty)
    }

    @Test("client certificates: required, asked for, presented")
    func clientCertificates() throws {
        var settings = TLSFixtures.settings("ecdsa")
        settings.clientCertificates = .required(roots: TLSFixtures.bytes("authority.pem"))
        let required = try NIOTLSServer(settings)
        let presented = try TLSExchange(required, TLSClientSettings(certificate: "client"))
        #expect(presented.server.secured?.peerNames == ["client.example"])
        #expect(presented.server.secured?.isVerified == true)
        let bare = try TLSExchange(required, TLSClientSettings())
        #expect(bare.server.secured == nil)
        settings.clientCertificates = .requested(roots: TLSFixtures.bytes("authority.pem"))
        let requested = try TLSExchange(NIOTLSServer(settings), TLSClientSettings())
        #expect(requested.server.secured?.isVerified == false)
        #expect(requested.client.input == Array("hello".utf8))
    }

    @Test("a reload serves new connections with the new certificate")
    func reload() throws {
        let server = try NIOTLSServer(TLSFixtures.settings("ecdsa"))
        #expect(try names(server, nil).summary?.peerNames.first == "mx.example")
        try server.update(TLSFixtures.settings("other"))
        #expect(try names(server, nil).summary?.peerNames.first == "*.other.example")
    }

    @Test("keys and certificates that do not fit are told, and what was in force stays")
    func setup() throws {
        var wrong = TLSFixtures.certificate("ecdsa")
        wrong.privateKey = TLSFixtures.bytes("other.key")
        #expect(throws: TLSSetupError.self) { try NIOTLSServer(TLSServerSettings(certificates: [wrong])) }
        wrong.privateKey = Array("-----BEGIN".utf8)
        #expect(throws: TLSSetupError.self) { try NIOTLSServer(TLSServerSettings(certificates: [wrong])) }
        #expect(throws: TLSSetupError.self) { try NIOTLSServer(TLSServerSettings(certificates: [])) }
        let server = try NIOTLSServer(TLSFixtures.settings("ecdsa"))
        #expect(throws: TLSSetupError.self) { try server.update(TLSServerSettings(certificates: [wrong])) }
        #expect(try names(server, nil).summary != nil)
    }
}

@Suite("TLS under attack", .timeLimit(.minutes(1)))
struct TLSAttackTests {
    private func server(_ timeout: Duration = .seconds(10)) throws -> ScriptedEnd {
        let context = try NIOTLSServer(TLSFixtures.settings("ecdsa"))
        return ScriptedEnd { event, connection, _ in
            switch event {
            case .received(let bytes) where bytes.starts(with: Array("STARTTLS".utf8)):
                connection.write(Array("220 go\r\n".utf8))
                connection.startTLS(.server(context), timeout: timeout)
            case .received(let bytes): connection.write(bytes)
            default: break
            }
        }
    }

    @Test("clear text that comes after STARTTLS in its own segment breaks the handshake and is never handed on")
    func injected() throws {
        let end = try server()
        let listener = try listen { _ in end }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        client.send("STARTTLS\r\n")
        #expect(client.read(8) == Array("220 go\r\n".utf8))
        client.send("EHLO injected\r\n")
        #expect(client.read().isEmpty)
        #expect(end.failure == .handshake("no TLS handshake"))
        #expect(end.input == Array("STARTTLS\r\n".utf8))
    }

    @Test("a client that says nothing, or dribbles, is cut off in time", arguments: [[], Array(HelloBytes().records().prefix(20))])
    func dribble(first: [UInt8]) throws {
        let end = try server(.milliseconds(300))
        let listener = try listen { _ in end }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        client.send("STARTTLS\r\n")
        _ = client.read(8)
        client.send(first)
        #expect(client.read().isEmpty)
        #expect(end.failure == .timedOut)
    }

    @Test("a client that goes away within the handshake is noticed")
    func gone() throws {
        let end = try server()
        let listener = try listen { _ in end }
        defer { listener.close() }
        let client = try #require(PlainClient(listener.endpoint))
        client.send("STARTTLS\r\n")
        _ = client.read(8)
        client.send(HelloBytes().records())
        _ = client.readSome()
        client.endOutput()
        #expect(end.failure != nil)
        if case .closed = end.history().last {} else { Issue.record("not closed") }
    }

    @Test("records that are none end the connection and nothing else")
    func garbage() throws {
        let hello = HelloBytes().records()
        var inputs: [[UInt8]] = [[0x80, 0x2e, 1, 3, 1], [22, 3, 1, 255, 255], [22, 3, 1, 0, 0], [21, 3, 3, 0, 2, 2, 40]]
        inputs.append(hello + [23, 3, 3, 0, 5, 1, 2, 3, 4, 5])
        inputs.append(hello + hello)
        for index in stride(from: 5, to: hello.count, by: 7) {
            var changed = hello
            changed[index] ^= 0x55
            inputs.append(changed)
        }
        for input in inputs {
            let end = try server(.milliseconds(500))
            let listener = try listen { _ in end }
            defer { listener.close() }
            let client = try #require(PlainClient(listener.endpoint))
            client.send("STARTTLS\r\n")
            _ = client.read(8)
            client.send(input)
            client.endOutput()
            _ = client.read()
            #expect(end.failure != nil)
            #expect(end.secured == nil)
        }
    }

    @Test("a server that speaks no TLS, or none that we accept, fails the client's handshake")
    func badServer() throws {
        let answers: [[UInt8]] = [Array("220 what?\r\n".utf8), [21, 3, 1, 0, 2, 2, 70], [22, 3, 3, 0, 4, 2, 0, 0, 0], []]
        for answer in answers {
            let server = ScriptedEnd { event, connection, _ in
                guard case .received = event else { return }
                connection.write(answer)
                connection.close()
            }
            let listener = try listen { _ in server }
            defer { listener.close() }
            let client = ScriptedEnd { event, connection, _ in
                if event == .opened { connection.startTLS(.client(TLSClientSettings()), timeout: .seconds(5)) }
            }
            let loop = loops.loops[0]
            let box = UncheckedBox((dialer: NIODialer(client: NIOTLSClient()), end: client))
            loop.execute { box.value.dialer.dial(listener.endpoint, from: nil, timeout: .seconds(5), on: loop, handler: box.value.end) { _ in } }
            #expect(client.failure != nil)
        }
    }
}
