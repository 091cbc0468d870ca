import Delivery
import Events
import MailQueue
import MessageFormat
import Ports
import SMTP
import Testing

@Suite("Credentials at smart hosts") struct CredentialsTests {
    private func account(_ name: String, senders: [String]? = nil) -> HopCredentials.Entry {
        var authentication = ClientAuthentication(name: name, secret: Secret("pencil"))
        authentication.allowsPlaintext = true
        return HopCredentials.Entry(senders: senders.map { SenderPatterns($0.compactMap { SenderPatterns.Pattern($0) }) },
                                    authentication: authentication)
    }

    private func hop(_ entries: [HopCredentials.Entry]) -> NextHop {
        var host = HopHost(.address(.v4(0xc000_0201)), port: 25)
        host.credentials = HopCredentials(entries)
        return .smtp(hosts: [host])
    }

    private func serve(_ bench: DeliveryBench, answer: String) -> ScriptedServer {
        let server = bench.serve("192.0.2.1")
        server.keywords = ["PIPELINING", "AUTH PLAIN"]
        server.answer = { line, _ in line.hasPrefix("AUTH") ? answer : nil }
        return server
    }

    @Test("Each sender goes as its own account, over connections of its own") func bySender() {
        let bench = DeliveryBench()
        let server = serve(bench, answer: "235 2.7.0 ok")
        let next = hop([account("shop", senders: ["@shop.example"]), account("all")])
        bench.release(bench.deliver(via: next))
        bench.release(bench.deliver(via: next) { $0.reversePath = .mailbox(address("x@shop.example")) })
        bench.release(bench.deliver(via: next))
        bench.release(bench.deliver(via: next) { $0.reversePath = .null })
        #expect(server.messages.map(\.connection) == [0, 1, 0, 0])
        #expect(server.lines.filter { $0.hasPrefix("AUTH") } == ["AUTH PLAIN AGFsbABwZW5jaWw=", "AUTH PLAIN AHNob3AAcGVuY2ls"])
    }

    @Test("A refusal keeps the mail, with a reason that tells no secret") func refused() throws {
        let bench = DeliveryBench()
        let server = serve(bench, answer: "535 5.7.8 no such pencil")
        let ending = try #require(bench.ending(bench.deliver(via: hop([account("all")]))))
        guard case .deferred(let diagnosis)? = ending.outcomes.first else {
            Issue.record("\(ending.outcomes)")
            return
        }
        #expect(diagnosis.status == EnhancedStatusCode(4, 7, 8))
        #expect(diagnosis.explanation.contains("does not accept the route's credentials"))
        #expect(!"\(ending.report)".contains("pencil"))
        #expect(server.messages.isEmpty)
    }

    @Test("Without TLS nothing is sent") func clear() throws {
        let bench = DeliveryBench()
        let server = serve(bench, answer: "235 ok")
        var entry = account("all")
        entry.authentication.allowsPlaintext = false
        let ending = try #require(bench.ending(bench.deliver(via: hop([entry]))))
        guard case .deferred(let diagnosis)? = ending.outcomes.first else {
            Issue.record("\(ending.outcomes)")
            return
        }
        #expect(diagnosis.status == EnhancedStatusCode(4, 7, 11))
        #expect(!server.lines.contains { $0.hasPrefix("AUTH") })
    }
}
