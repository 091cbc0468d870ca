import Ports
@testable import SMTP
import Testing

@Suite("AUTH of the client, RFC 4954") struct ClientAuthenticationTests {
    private func settings(_ kind: ClientAuthentication.Kind = .password, inTheClear: Bool = true) -> ClientSettings {
        var authentication = ClientAuthentication(name: "user", secret: Secret(kind == .password ? "pencil" : "tok"), kind: kind)
        authentication.allowsPlaintext = inTheClear
        authentication.nonce = Array("nonce".utf8)
        var settings = ClientSettings()
        settings.authentication = authentication
        return settings
    }

    @Test func plain() {
        let outcome = ClientDialog.run(opening("AUTH LOGIN PLAIN") + [
            .client("AUTH PLAIN AHVzZXIAcGVuY2ls\r\n"), .server("235 2.7.0 ok\r\n"), .begin(.test("b@y.example")),
            .client("MAIL FROM:<a@x.example>\r\n"),
        ], settings: settings())
        #expect(outcome.isReady)
    }

    @Test func login() {
        let outcome = ClientDialog.run(opening("AUTH LOGIN") + [
            .client("AUTH LOGIN\r\n"), .server("334 VXNlcm5hbWU6\r\n"), .client("dXNlcg==\r\n"), .server("334 UGFzc3dvcmQ6\r\n"),
            .client("cGVuY2ls\r\n"), .server("235 ok\r\n"), .begin(.test("b@y.example")), .client("MAIL FROM:<a@x.example>\r\n"),
        ], settings: settings())
        #expect(outcome.isReady)
    }

    @Test func token() {
        let outcome = ClientDialog.run(opening("AUTH XOAUTH2") + [
            .client("AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHRvawEB\r\n"), .server("334 eyJzdGF0dXMiOiI0MDEifQ==\r\n"), .client("\r\n"),
            .server("535 5.7.8 expired\r\n"), .client("QUIT\r\n"),
        ], settings: settings(.token))
        #expect(outcome.end == .refused(Reply(535, .init(5, 7, 8), "expired"), at: .authentication))
    }

    @Test("SCRAM with a server that knows the password, and with one that does not") func scram() throws {
        let keys = try SCRAMKeys(password: Secret("pencil"), salt: [1, 2, 3], iterations: 4096)
        let nonce = SASLBase64.encode(Array("nonce".utf8))
        let clientFirst = Array("n,,n=user,r=".utf8) + nonce
        var server = try #require(SCRAMServer(clientFirst: clientFirst))
        let first = server.serverFirst(keys, nonce: Array("srv".utf8))
        var client = SCRAMClient(name: "user", password: Secret("pencil"), nonce: nonce)
        let answer = client.clientFinal(serverFirst: first)
        let final = try #require(answer)
        let serverFinal = try #require(server.verify(clientFinal: final)).serverFinal
        func line(_ octets: [UInt8]) -> String { String(decoding: SASLBase64.encode(octets), as: UTF8.self) }
        let opened: [DialogStep] = opening("AUTH PLAIN SCRAM-SHA-256") + [
            .client("AUTH SCRAM-SHA-256 \(line(clientFirst))\r\n"), .server("334 \(line(first))\r\n"), .client("\(line(final))\r\n"),
        ]
        let good = ClientDialog.run(opened + [.server("334 \(line(serverFinal))\r\n"), .client("\r\n"), .server("235 ok\r\n")], settings: settings())
        #expect(good.isReady)
        let silent = ClientDialog.run(opened + [.server("235 ok\r\n")], settings: settings())
        #expect(silent.end == .failed(.serverNotAuthenticated, at: .authentication))
        let wrong = ClientDialog.run(opened + [.server("334 \(line(Array("v=AAAA".utf8)))\r\n")], settings: settings())
        #expect(wrong.end == .failed(.serverNotAuthenticated, at: .authentication))
    }

    @Test("Nothing is said in the clear") func clear() {
        let outcome = ClientDialog.run(opening("AUTH PLAIN"), settings: settings(inTheClear: false))
        #expect(outcome.end == .failed(.authenticationNeedsTLS, at: .authentication))
    }

    @Test("Under TLS the offer of before does not count") func tls() {
        var settings = settings(inTheClear: false)
        settings.startTLS = .required
        let outcome = ClientDialog.run(opening("STARTTLS", "AUTH PLAIN") + [
            .client("STARTTLS\r\n"), .server("220 go\r\n"), .tls, .client("EHLO me.example\r\n"),
            .server("250-mx.example\r\n250 AUTH LOGIN\r\n"), .client("AUTH LOGIN\r\n"), .server("535 5.7.8 no\r\n"), .client("QUIT\r\n"),
        ], settings: settings)
        #expect(outcome.end == .refused(Reply(535, .init(5, 7, 8), "no"), at: .authentication))
    }

    @Test("A server without a mechanism for us") func noMechanism() {
        #expect(ClientDialog.run(opening("AUTH GSSAPI"), settings: settings()).end == .failed(.noCommonMechanism, at: .authentication))
        #expect(ClientDialog.run(opening("SIZE"), settings: settings()).end == .failed(.noCommonMechanism, at: .authentication))
    }

    @Test("What was sent does not come back in a reply", arguments: ["pencil", "cGVuY2ls", "AHVzZXIAcGVuY2ls"])
    func echo(text: String) {
        let outcome = ClientDialog.run(opening("AUTH PLAIN") + [
            .client("AUTH PLAIN AHVzZXIAcGVuY2ls\r\n"), .server("535 5.7.8 bad \(text)\r\n"), .client("QUIT\r\n"),
        ], settings: settings())
        #expect(outcome.end == .refused(Reply(535, .init(5, 7, 8), "(text withheld)"), at: .authentication))
    }

    @Test("A server that does not answer") func silence() {
        let outcome = ClientDialog.run(opening("AUTH PLAIN") + [.client("AUTH PLAIN AHVzZXIAcGVuY2ls\r\n"), .wait(.minutes(2))], settings: settings())
        #expect(outcome.end == .failed(.timedOut, at: .authentication))
    }
}
