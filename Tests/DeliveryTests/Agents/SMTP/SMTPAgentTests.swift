import Delivery
import Events
import MailQueue
import Ports
import SMTP
import Testing

private let queued = Reply(250, .init(2, 0, 0), "queued")

@Suite struct SMTPAgentTests {
    @Test func oneMessage() throws {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        let first = bench.deliver(via: smtp("192.0.2.1"))
        let ending = try #require(bench.ending(first))
        #expect(ending.outcomes == [.relayed(queued, reportedBy: .thisHost)])
        #expect(ending.report.feedback == .delivered)
        #expect(ending.report.host == RemoteHost(name: "192.0.2.1", endpoint: endpoint("192.0.2.1"),
                                                       tls: "none opportunistic (not offered)"))
        #expect(server.messages == [.init(commands: ["MAIL FROM:<a@x.example>", "RCPT TO:<b@y.example>"],
                                          body: "Received: x\r\n\r\nhello\r\n", connection: 0)])
    }

    @Test("The connection carries the next message only after the outcome is written") func reuseAfterRelease() {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        let first = bench.deliver(via: smtp("192.0.2.1"))
        #expect(bench.agent.idleConnections == 0)
        let second = bench.deliver(via: smtp("192.0.2.1"))
        #expect(server.messages.map(\.connection) == [0, 1])
        bench.release(first)
        #expect(bench.agent.idleConnections == 1)
        bench.deliver(via: smtp("192.0.2.1"))
        #expect(server.messages.map(\.connection) == [0, 1, 0])
        bench.ending(second)?.lease?.discard()
        bench.loop.run()
        #expect(server.lines.last == "QUIT")
        #expect(server.openConnections == 1)
    }

    @Test func idleConnectionsQuit() {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        bench.release(bench.deliver(via: smtp("192.0.2.1")))
        bench.loop.advance(by: .seconds(29))
        #expect(server.openConnections == 1)
        bench.loop.advance(by: .seconds(1))
        #expect(server.lines.last == "QUIT")
        #expect(server.openConnections == 0)
        #expect(bench.agent.idleConnections == 0)
        #expect(bench.loop.timerCount == 0)
    }

    @Test func messagesPerConnection() {
        let bench = DeliveryBench { $0.maxMessagesPerConnection = 3 }
        let server = bench.serve("192.0.2.1")
        for _ in 0..<7 { bench.release(bench.deliver(via: smtp("192.0.2.1"))) }
        #expect(server.messages.map(\.connection) == [0, 0, 0, 1, 1, 1, 2])
        server.keywords = ["LIMITS MAILMAX=1"]
        bench.agent.stop()
        bench.loop.run()
        #expect(server.openConnections == 0)
    }

    @Test func transactionsPerSession() {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        server.keywords = ["PIPELINING", "LIMITS MAILMAX=2"]
        for _ in 0..<4 { bench.release(bench.deliver(via: smtp("192.0.2.1"))) }
        #expect(server.messages.map(\.connection) == [0, 0, 1, 1])
        #expect(server.openConnections == 0)
    }

    @Test("A reload changes what is kept and from where, connections and all") func otherSettings() {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        bench.release(bench.deliver(via: smtp("192.0.2.1")))
        var settings = SMTPAgentSettings(heloName: "other.example")
        settings.sourceIPv4 = IPAddress("198.51.100.1")
        bench.agent.apply(settings, own: OwnHost(names: ["other.example"]))
        bench.release(bench.deliver(via: smtp("192.0.2.1")))
        #expect(server.messages.map(\.connection) == [0, 1])
        #expect(server.lines.contains("EHLO other.example"))
        #expect(bench.network.sources == [nil, settings.sourceIPv4])
    }

    @Test func connectionAge() {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        for _ in 0..<50 {
            bench.release(bench.deliver(via: smtp("192.0.2.1")))
            bench.loop.advance(by: .seconds(20))
        }
        #expect(Set(server.messages.map(\.connection)) == [0, 1])
    }

    @Test func stopLetsAttemptsFinish() {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        bench.release(bench.deliver(via: smtp("192.0.2.1")))
        let held = bench.deliver(via: smtp("192.0.2.1"))
        let other = bench.deliver(via: smtp("192.0.2.1"))
        bench.release(other)
        bench.agent.stop()
        bench.loop.run()
        #expect(server.openConnections == 1)
        bench.release(held)
        #expect(server.openConnections == 0)
    }

    @Test("A connection that the server closed meanwhile costs nothing") func staleConnection() {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        bench.release(bench.deliver(via: smtp("192.0.2.1")))
        server.connections[0].end(nil)
        #expect(bench.agent.idleConnections == 0)
        bench.release(bench.deliver(via: smtp("192.0.2.1")))
        // The end comes only after MAIL went out.
        server.answer = { line, connection in connection == 1 && line.hasPrefix("MAIL") ? "close" : nil }
        bench.release(bench.deliver(via: smtp("192.0.2.1")))
        server.answer = { line, connection in connection == 2 && line.hasPrefix("MAIL") ? "421 4.4.2 idle too long" : nil }
        bench.release(bench.deliver(via: smtp("192.0.2.1")))
        #expect(server.messages.map(\.connection) == [0, 1, 2, 3])
    }

    @Test func mixedRecipients() throws {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        server.keywords = ["PIPELINING", "DSN"]
        server.answer = { line, _ in
            line.contains("<c@") ? "550 5.1.1 no" : line.contains("<d@") ? "450 4.2.0 greylisted" : line.contains("<e@") ? "452 4.5.3 many" : nil
        }
        let number = bench.deliver(to: ["b@y.example", "c@y.example", "d@y.example", "e@y.example"], via: smtp("192.0.2.1"))
        let ending = try #require(bench.ending(number))
        #expect(ending.report.outcomes == [
            .init(recipient: 0, outcome: .relayed(queued, reportedBy: .nextHop)),
            .init(recipient: 1, outcome: .failed(Diagnosis(status: .init(5, 1, 1), reply: Reply(550, .init(5, 1, 1), "no")))),
            .init(recipient: 2, outcome: .deferred(Diagnosis(status: .init(4, 2, 0), reply: Reply(450, .init(4, 2, 0), "greylisted")))),
            .init(recipient: 3, outcome: .untried),
        ])
        #expect(ending.report.feedback == .delivered)
        #expect(ending.lease != nil)
    }

    @Test func lmtpOverUnixSocket() throws {
        let bench = DeliveryBench()
        let server = ScriptedServer()
        server.isLMTP = true
        bench.network.hosts[.unix(path: "/run/lmtp")] = .server(server)
        let hop = NextHop.lmtp(hosts: [HopHost(.unix(path: "/run/lmtp"), port: 0)])
        let ending = try #require(bench.ending(bench.deliver(to: ["b@y.example", "c@y.example"], via: hop)))
        #expect(ending.outcomes == [.delivered(queued), .delivered(queued)])
        #expect(server.lines.first == "LHLO me.example")
    }

    @Test func contentLacksExtension() throws {
        let bench = DeliveryBench()
        _ = bench.serve("192.0.2.1")
        let ending = try #require(bench.ending(bench.deliver(via: smtp("192.0.2.1")) { $0.body = .binaryMIME }))
        guard case .failed(let diagnosis) = ending.outcomes[0] else { Issue.record("\(ending.outcomes)"); return }
        #expect(diagnosis.status == .init(5, 6, 1))
        #expect(diagnosis.reply == nil)
        // The connection is as good as before.
        #expect(ending.lease != nil)
    }

    @Test func lostAfterTheFinalDot() throws {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        let backup = bench.serve("192.0.2.2")
        server.finalAnswer = { _ in "close" }
        let ending = try #require(bench.ending(bench.deliver(via: smtp("192.0.2.1", "192.0.2.2"))))
        guard case .deferred(let diagnosis) = ending.outcomes[0] else { Issue.record("\(ending.outcomes)"); return }
        #expect(diagnosis.explanation.contains("arrive twice"))
        #expect(ending.report.feedback == .unavailable)
        // Another host at once would make the duplicate certain.
        #expect(backup.messages.isEmpty)
    }
}

@Suite struct SMTPAgentContentTests {
    /// Content of `count` stored parts that come one after the other, later.
    private func stored(_ parts: [[UInt8]], failingAt failing: Int? = nil) -> MessageContent {
        MessageContent(prefix: Array("Received: x\r\n".utf8), parts: parts.map { .stored(size: $0.count) }) { index, loop, completion in
            loop.execute { completion(index == failing ? .failure(.damaged) : .success(parts[index])) }
        }
    }

    @Test func storedPartsUnderCongestion() throws {
        let bench = DeliveryBench()
        bench.network.congestionLimit = 100_000
        let server = bench.serve("192.0.2.1")
        let line = String(repeating: "x", count: 70) + "\r\n"
        let parts = (0..<20).map { _ in Array(String(repeating: line, count: 1000).utf8) }
        let ending = try #require(bench.ending(bench.deliver(via: smtp("192.0.2.1"), content: stored(parts))))
        #expect(ending.outcomes == [.relayed(queued, reportedBy: .thisHost)])
        #expect(server.messages.first?.body == "Received: x\r\n" + String(repeating: line, count: 20_000))
        #expect(server.connections[0].maxUnsent <= 250_000)
    }

    @Test("A message that cannot be read whole is not ended") func damagedPart() throws {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        let parts = [Array("a\r\n".utf8), Array("b\r\n".utf8)]
        let ending = try #require(bench.ending(bench.deliver(via: smtp("192.0.2.1"), content: stored(parts, failingAt: 1))))
        guard case .deferred(let diagnosis) = ending.outcomes[0] else { Issue.record("\(ending.outcomes)"); return }
        #expect(diagnosis.status == .init(4, 3, 0))
        #expect(server.messages.isEmpty)
        #expect(server.connections[0].wasAborted)
        #expect(ending.lease == nil)
    }

    @Test func connectionLostWhileReading() throws {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        let content = MessageContent(prefix: [], parts: [.stored(size: 3)]) { _, loop, completion in
            _ = loop.schedule(at: loop.now + .seconds(5)) { completion(.success([1, 2, 3])) }
        }
        let number = bench.deliver(via: smtp("192.0.2.1"), content: content)
        server.connections[0].end(.reset)
        bench.loop.advance(by: .seconds(10))
        let ending = try #require(bench.ending(number))
        guard case .deferred = ending.outcomes[0] else { Issue.record("\(ending.outcomes)"); return }
    }

    @Test func emptyContent() throws {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        let ending = try #require(bench.ending(bench.deliver(via: smtp("192.0.2.1"), content: MessageContent(prefix: [], body: []))))
        #expect(ending.outcomes == [.relayed(queued, reportedBy: .thisHost)])
        #expect(server.messages.first?.body == "")
        let bare = MessageContent(prefix: Array("A: b\r\n".utf8), parts: []) { _, _, _ in }
        bench.deliver(via: smtp("192.0.2.1"), content: bare)
        #expect(server.messages.last?.body == "A: b\r\n")
    }
}
