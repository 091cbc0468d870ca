import Delivery
import DNS
import MailQueue
import MessageFormat
import Ports
import SMTP
import Testing

@Suite struct RecipientProberTests {
    private let bench = DeliveryBench()

    /// Asks about an address whose route leads to these hosts.
    private func probe(_ text: String = "b@y.example", at hosts: String..., tls: TLSPolicy = .opportunistic, implicit: Bool = false,
                       maxProbes: Int = 10) -> ProbeFinding? {
        let table = RoutingTable(routes: [Route(name: "hosts", transport: .smartHost(hosts.compactMap { IPAddress($0) }.map {
            HopHost(.address($0), port: 25, tls: tls, tlsStart: implicit ? .implicit : .startTLS)
        }))]) { _, _ in 0 }
        let own = OwnHost(names: ["me.example"])
        let finder = MXHostFinder(resolver: bench.resolver, random: SeededRandom(1), own: own)
        let router = Router(table: table, hostFinder: finder, loop: bench.loop)
        let prober = RecipientProber(loop: bench.loop, router: router, dialer: bench.network, resolver: bench.resolver,
                                     settings: SMTPAgentSettings(heloName: "me.example"), own: own, maxProbes: maxProbes)
        nonisolated(unsafe) var finding: ProbeFinding?
        prober.probe(address(text)) { finding = $0 }
        bench.loop.run()
        return finding
    }

    @Test("RCPT decides, and nothing is sent behind it")
    func taken() {
        let server = bench.serve("192.0.2.1")
        #expect(probe(at: "192.0.2.1") == .taken)
        #expect(server.lines == ["EHLO me.example", "MAIL FROM:<>", "RCPT TO:<b@y.example>", "QUIT"] && server.messages.isEmpty)
    }

    @Test("A question is as protected as a delivery would be")
    func protected() {
        let server = bench.serve("192.0.2.1")
        server.keywords = ["PIPELINING", "STARTTLS"]
        let hello = "EHLO me.example", question = ["MAIL FROM:<>", "RCPT TO:<b@y.example>", "QUIT"]
        #expect(probe(at: "192.0.2.1") == .taken)
        #expect(server.lines == [hello, "STARTTLS", hello] + question)
        #expect(probe(at: "192.0.2.1", tls: .none) == .taken)
        #expect(Array(server.lines.dropFirst(6)) == [hello] + question)
        #expect(server.handshakes.count == 1)
        #expect(probe(at: "192.0.2.1", tls: .verify(names: ["mx.example"]), implicit: true) == .taken)
        #expect(Array(server.lines.dropFirst(10)) == [hello] + question)
        guard case .names(["mx.example"])? = server.handshakes.last?.verification else { Issue.record("the host was not verified"); return }
    }

    @Test("Where protection is required and cannot be had, nobody is asked about the recipient", arguments: [
        ([], nil), (["STARTTLS"], "454 not now"), (["STARTTLS"], "handshake"),
    ] as [([String], String?)])
    func unprotected(keywords: [String], answer: String?) {
        let server = bench.serve("192.0.2.1")
        server.keywords = keywords
        if answer == "handshake" { server.handshake = .failed(.handshake("no")) } else { server.answer = { line, _ in line == "STARTTLS" ? answer : nil } }
        guard case .unknown? = probe(at: "192.0.2.1", tls: .encrypt) else { Issue.record("something was learnt"); return }
        #expect(!server.lines.contains { $0.hasPrefix("MAIL") || $0.hasPrefix("RCPT") })
        server.handshake = .established(TLSSummary(version: .v1_3))
        #expect(probe(at: "192.0.2.1") == .taken)
    }

    @Test("HOSTILE 30: only a 5yz to RCPT makes an address bad", arguments: [
        ("RCPT", "550 5.1.1 no such user", true), ("RCPT", "450 later", false), ("MAIL", "550 you are listed", false),
        ("EHLO", "421 busy", false), ("RCPT", "garbage", false), ("RCPT", "close", false),
    ])
    func refused(verb: String, reply: String, isBad: Bool) {
        let server = bench.serve("192.0.2.1")
        server.answer = { line, _ in line.hasPrefix(verb) ? reply : nil }
        switch probe(at: "192.0.2.1") {
        case .refused(let answer): #expect(isBad && answer.code == 550)
        case .unknown: #expect(!isBad)
        case let other: Issue.record("\(String(describing: other))")
        }
    }

    @Test("A server that cannot be reached leads to the next one; with none, nothing is known")
    func unreachable() {
        _ = bench.serve("192.0.2.2")
        #expect(probe(at: "192.0.2.1", "192.0.2.2") == .taken)
        guard case .unknown = probe(at: "192.0.2.1", "192.0.2.3", "192.0.2.2") else { Issue.record("more than two were tried"); return }
        guard case .unknown = probe("ü@y.example", at: "192.0.2.2") else { Issue.record("asked without SMTPUTF8"); return }
        guard case .unknown = probe(at: "192.0.2.2", maxProbes: 0) else { Issue.record("asked although too many are under way"); return }
    }
}
