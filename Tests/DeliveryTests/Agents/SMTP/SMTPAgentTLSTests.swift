import Delivery
import Events
import MailQueue
import Ports
import SMTP
import Testing

/// SMTP to one host under a policy.
private func host(_ name: String, _ tls: TLSPolicy, start: TLSStart = .startTLS) -> NextHop {
    .smtp(hosts: [HopHost(IPAddress(name).map { .address($0) } ?? .name(name), port: 25, tls: tls, tlsStart: start)])
}

/// Keeps what it hears.
private final class Notes: TLSOutcomeObserver {
    var outcomes: [TLSOutcome] = []
    func noted(_ outcome: TLSOutcome, host: HopHost, endpoint: SocketEndpoint, destination: DestinationKey) { outcomes.append(outcome) }
}

@Suite("TLS to next hops") struct SMTPAgentTLSTests {
    private func offering(_ bench: DeliveryBench) -> ScriptedServer {
        let server = bench.serve("192.0.2.1")
        server.keywords = ["PIPELINING", "STARTTLS"]
        return server
    }

    @Test("opportunistic TLS is used where it is offered, with any certificate, and EHLO is said again") func opportunistic() throws {
        let bench = DeliveryBench()
        let server = offering(bench)
        server.handshake = .established(TLSSummary(version: .v1_3, peerNames: ["other.example"]))
        let ending = try #require(bench.ending(bench.deliver(via: host("192.0.2.1", .opportunistic))))
        #expect(ending.report.host?.tls == "TLSv1.3 opportunistic certificate=other.example")
        #expect(server.lines.prefix(3).map { $0.prefix(4) } == ["EHLO", "STAR", "EHLO"])
        #expect(server.messages.count == 1)
        #expect(server.handshakes.first?.serverName == nil)
    }

    @Test("none is none, whatever the host offers") func none() throws {
        let bench = DeliveryBench()
        let server = offering(bench)
        let ending = try #require(bench.ending(bench.deliver(via: host("192.0.2.1", .none))))
        #expect(ending.report.host?.tls == nil)
        #expect(server.handshakes.isEmpty)
        #expect(server.messages.count == 1)
    }

    @Test("a handshake that fails is followed by clear text on a new connection, never silently, and remembered") func fallback() throws {
        let bench = DeliveryBench()
        let notes = Notes()
        bench.agent.tlsObserver = notes
        let server = offering(bench)
        server.handshake = .failed(.handshake("WRONG_VERSION_NUMBER"))
        let first = bench.deliver(via: host("192.0.2.1", .opportunistic))
        let ending = try #require(bench.ending(first))
        #expect(server.messages.map(\.connection) == [1])
        #expect(ending.report.host?.tls
            == "none opportunistic (in the clear since the TLS handshake failed: WRONG_VERSION_NUMBER)")
        #expect(notes.outcomes.map(\.result) == [.failed(.handshake("WRONG_VERSION_NUMBER")), .givenUp(.handshake("WRONG_VERSION_NUMBER"))])
        // The next message does not try again.
        _ = bench.deliver(via: host("192.0.2.1", .opportunistic))
        #expect(server.messages.map(\.connection) == [1, 2])
        #expect(server.handshakes.count == 1)
    }

    @Test("a policy that wants TLS never goes in the clear", arguments: [
        TLSPolicy.encrypt, .verify(names: ["mx.example"]),
    ]) func required(policy: TLSPolicy) throws {
        for breakage in 0..<4 {
            let bench = DeliveryBench()
            let server = bench.serve("192.0.2.1")
            if breakage > 0 { server.keywords = ["PIPELINING", "STARTTLS"] }
            if breakage == 1 { server.handshake = .failed(.expired) }
            if breakage == 2 { server.answer = { line, _ in line == "STARTTLS" ? "454 4.7.0 not now" : nil } }
            // Octets behind the 220, in the same segment (CVE-2021-38371).
            if breakage == 3 { server.answer = { line, _ in line == "STARTTLS" ? "220 go\r\n250-AUTH PLAIN\r\n250 SIZE 1" : nil } }
            let ending = try #require(bench.ending(bench.deliver(via: host("192.0.2.1", policy))))
            #expect(server.messages.isEmpty)
            #expect(!server.lines.contains { $0.hasPrefix("MAIL") })
            guard case .deferred(let diagnosis)? = ending.outcomes.first else { Issue.record("not deferred"); continue }
            #expect(diagnosis.status.class == 4)
            #expect(ending.report.host?.tls != nil)
        }
    }

    @Test("injected replies after STARTTLS end an opportunistic session too; the next one is in the clear") func injected() throws {
        let bench = DeliveryBench()
        let server = offering(bench)
        server.answer = { line, _ in line == "STARTTLS" ? "220 go\r\n250 SIZE 1" : nil }
        let ending = try #require(bench.ending(bench.deliver(via: host("192.0.2.1", .opportunistic))))
        #expect(server.handshakes.isEmpty)
        #expect(server.messages.map(\.connection) == [1])
        #expect(ending.report.host?.tls?.contains("clear text where TLS had to begin") == true)
    }

    @Test("454 is passed over by an opportunistic session, and told") func refused() throws {
        let bench = DeliveryBench()
        let server = offering(bench)
        server.answer = { line, _ in line == "STARTTLS" ? "454 4.7.0 not now" : nil }
        let ending = try #require(bench.ending(bench.deliver(via: host("192.0.2.1", .opportunistic))))
        #expect(server.messages.map(\.connection) == [0])
        #expect(ending.report.host?.tls == "none opportunistic (STARTTLS was refused: 454)")
    }

    @Test("implicit TLS comes before the greeting") func implicit() throws {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        server.handshake = .established(TLSSummary(version: .v1_2))
        let ending = try #require(bench.ending(bench.deliver(via: host("192.0.2.1", .encrypt, start: .implicit))))
        #expect(server.messages.count == 1)
        #expect(ending.report.host?.tls == "TLSv1.2 encrypt")
        #expect(!server.lines.contains("STARTTLS"))
    }

    @Test("a handshake that hangs ends in time") func hangs() throws {
        let bench = DeliveryBench()
        let server = offering(bench)
        server.handshake = .hangs
        let attempt = bench.deliver(via: host("192.0.2.1", .encrypt))
        #expect(bench.ending(attempt) == nil)
        bench.loop.advance(by: .minutes(3))
        let ending = try #require(bench.ending(attempt))
        #expect(ending.report.host?.tls == "failed encrypt (the TLS handshake took too long)")
    }

    @Test("connections of one policy do not serve another") func pools() throws {
        let bench = DeliveryBench()
        let server = offering(bench)
        bench.release(bench.deliver(via: host("192.0.2.1", .opportunistic)))
        bench.release(bench.deliver(via: host("192.0.2.1", .encrypt)))
        bench.release(bench.deliver(via: host("192.0.2.1", .encrypt)))
        #expect(server.messages.map(\.connection) == [0, 1, 1])
    }
}
