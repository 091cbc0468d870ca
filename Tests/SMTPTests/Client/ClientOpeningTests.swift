import Ports
@testable import SMTP
import Testing

@Suite struct ClientOpeningTests {
    @Test func greetingRefused() {
        for text in ["554 5.7.1 go away", "450 later"] {
            let outcome = ClientDialog.run([.server("\(text)\r\n"), .client("QUIT\r\n")])
            guard case .refused(let reply, at: .greeting) = outcome.end else { Issue.record("\(outcome)"); continue }
            #expect(reply.description == text)
        }
        let closing = ClientDialog.run([.server("421 4.3.2 busy\r\n")])
        #expect(closing.end == .refused(Reply(421, .init(4, 3, 2), "busy"), at: .greeting))
        let odd = ClientDialog.run([.server("354 what\r\n")])
        #expect(odd.end == .failed(.unexpectedReply(Reply(354, nil, "what")), at: .greeting))
    }

    @Test func ehloRefusedFallsBackToHELO() {
        let outcome = ClientDialog.run([
            .server("220 old\r\n"), .client("EHLO me.example\r\n"), .server("500 what\r\n"), .client("HELO me.example\r\n"),
            .server("250 old\r\n"), .begin(.test("b@y.example", size: 77)), .client("MAIL FROM:<a@x.example>\r\n"),
        ])
        #expect(outcome.isReady)
        let refused = ClientDialog.run([
            .server("220 old\r\n"), .client("EHLO me.example\r\n"), .server("550 what\r\n"), .client("HELO me.example\r\n"),
            .server("550 no\r\n"), .client("QUIT\r\n"),
        ])
        #expect(refused.end == .refused(Reply(550, nil, "no"), at: .ehlo))
        let later = ClientDialog.run([
            .server("220 old\r\n"), .client("EHLO me.example\r\n"), .server("451 later\r\n"), .client("QUIT\r\n"),
        ])
        #expect(later.end == .refused(Reply(451, nil, "later"), at: .ehlo))
    }

    @Test func lhloHasNoFallback() {
        let outcome = ClientDialog.run([
            .server("220 lmtp\r\n"), .client("LHLO me.example\r\n"), .server("500 what\r\n"), .client("QUIT\r\n"),
        ], dialect: .lmtp)
        #expect(outcome.end == .refused(Reply(500, nil, "what"), at: .ehlo))
    }

    @Test func silentServers() {
        let greeting = ClientDialog.run([.wait(.minutes(5) - .nanoseconds(1)), .wait(.nanoseconds(1))])
        #expect(greeting.end == .failed(.timedOut, at: .greeting))
        let patient = ClientDialog.run([.wait(.minutes(5) - .nanoseconds(1)), .server("220 x\r\n"), .client("EHLO me.example\r\n")])
        #expect(patient.end == nil)
        let ehlo = ClientDialog.run([.server("220 x\r\n"), .client("EHLO me.example\r\n"), .server("250-x"), .wait(.minutes(5))])
        #expect(ehlo.end == .failed(.timedOut, at: .ehlo))
        let lost = ClientDialog.run([.closed(nil)])
        #expect(lost.end == .failed(.connectionLost(nil), at: .greeting))
        let garbage = ClientDialog.run([.server("SSH-2.0-OpenSSH\r\n")])
        #expect(garbage.end == .failed(.garbage(.malformed), at: .greeting))
    }

    @Test("One octet every 29 seconds does not move the deadline") func drippingServer() {
        var steps: [DialogStep] = []
        for _ in 0..<10 { steps += [.server("2"), .wait(.seconds(29))] }
        steps += [.wait(.seconds(10))]
        #expect(ClientDialog.run(steps).end == .failed(.timedOut, at: .greeting))
    }

    @Test func idleServers() {
        let closing = ClientDialog.run(opening() + [.server("421 4.4.2 idle\r\n"), .closed(nil)])
        #expect(closing.end == .refused(Reply(421, .init(4, 4, 2), "idle"), at: .idle))
        let lost = ClientDialog.run(opening() + [.closed(nil)])
        #expect(lost.end == .failed(.connectionLost(nil), at: .idle))
        let talking = ClientDialog.run(opening() + [.server("250 hello?\r\n")])
        #expect(talking.end == .failed(.unexpectedReply(Reply(250, nil, "hello?")), at: .idle))
        let waiting = ClientDialog.run(opening() + [.wait(.days(1))])
        #expect(waiting.end == nil)
    }

    @Test func quitting() {
        for last in [DialogStep.server("221 bye\r\n"), .server("421 bye\r\n"), .server("xx\r\n"), .closed(nil), .wait(.seconds(10))] {
            let outcome = ClientDialog.run(opening() + [.quit, .client("QUIT\r\n"), last])
            #expect(outcome.end == .quit)
        }
    }
}

@Suite struct ClientStartTLSTests {
    private var settings: ClientSettings {
        var settings = ClientSettings()
        settings.startTLS = .whenOffered
        return settings
    }

    private var required: ClientSettings {
        var settings = ClientSettings()
        settings.startTLS = .required
        return settings
    }

    @Test func established() {
        let outcome = ClientDialog.run(opening("STARTTLS", "PIPELINING") + [
            .client("STARTTLS\r\n"), .server("220 go\r\n"), .tls, .client("EHLO me.example\r\n"), .server("250 mx.example\r\n"),
            // What was offered in plain text counts no more: one command at a time.
            .begin(.test("b@y.example")), .client("MAIL FROM:<a@x.example>\r\n"),
        ], settings: settings)
        #expect(outcome.end == nil)
    }

    @Test("CVE-2021-38371: replies injected behind the reply to STARTTLS") func injection() {
        for rest in ["250-AUTH PLAIN\r\n250 SIZE 1\r\n", "2", "\r\n", "\u{0}"] {
            let outcome = ClientDialog.run(opening("STARTTLS") + [
                .client("STARTTLS\r\n"), .server("220 go\r\n\(rest)"),
            ], settings: settings)
            #expect(outcome.end == .failed(.inputBeforeTLS, at: .startTLS))
        }
    }

    @Test func refused() {
        let start = opening("STARTTLS") + [.client("STARTTLS\r\n"), .server("454 4.7.0 no\r\n")]
        #expect(ClientDialog.run(start, settings: settings).isReady)
        let outcome = ClientDialog.run(start + [.client("QUIT\r\n")], settings: required)
        #expect(outcome.end == .refused(Reply(454, .init(4, 7, 0), "no"), at: .startTLS))
    }

    @Test func notOffered() {
        #expect(ClientDialog.run(opening(), settings: settings).isReady)
        #expect(ClientDialog.run(opening(), settings: required).end == .failed(.startTLSNotOffered, at: .startTLS))
        let helo: [DialogStep] = [
            .server("220 x\r\n"), .client("EHLO me.example\r\n"), .server("500 x\r\n"), .client("HELO me.example\r\n"), .server("250 x\r\n"),
        ]
        #expect(ClientDialog.run(helo, settings: required).end == .failed(.startTLSNotOffered, at: .startTLS))
    }

    @Test func handshakeThatHangs() {
        let start = opening("STARTTLS") + [.client("STARTTLS\r\n"), .server("220 go\r\n")]
        #expect(ClientDialog.run(start + [.wait(.minutes(2))], settings: settings).end == .failed(.timedOut, at: .startTLS))
        #expect(ClientDialog.run(start + [.closed(.reset)], settings: settings).end == .failed(.connectionLost(.reset), at: .startTLS))
    }
}
