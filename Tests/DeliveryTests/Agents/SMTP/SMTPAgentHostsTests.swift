import Delivery
import Events
import MailQueue
import Ports
import SMTP
import Testing

private let queued = Reply(250, .init(2, 0, 0), "queued")
private let relayed = [DeliveryOutcome.relayed(queued, reportedBy: .thisHost)]

private func mx(_ names: (String, UInt16)...) -> NextHop {
    .smtp(hosts: names.map { HopHost(.name($0.0), port: 25, preference: $0.1) })
}

@Suite struct SMTPAgentHostsTests {
    @Test("The next host when the first cannot be used", arguments: [
        "refused", "timed out", "554 no service", "421 4.3.2 busy", "450 later", "close", "garbage", "silent greeting",
    ])
    func nextHost(_ trouble: String) throws {
        let bench = DeliveryBench()
        switch trouble {
        case "refused": bench.network.hosts[endpoint("192.0.2.1")] = .failing(.refused)
        case "timed out": bench.network.hosts[endpoint("192.0.2.1")] = .silent
        case "silent greeting": bench.serve("192.0.2.1").greeting = nil
        case "close":
            let server = bench.serve("192.0.2.1")
            server.answer = { _, _ in "close" }
        default: bench.serve("192.0.2.1").greeting = trouble
        }
        let server = bench.serve("192.0.2.2")
        let number = bench.deliver(via: smtp("192.0.2.1", "192.0.2.2"))
        bench.loop.advance(by: .minutes(6))
        #expect(bench.ending(number)?.outcomes == relayed)
        #expect(bench.ending(number)?.report.host?.name == "192.0.2.2")
        #expect(server.messages.count == 1)
    }

    @Test func avoidedHostsAreTriedLastForAWhile() {
        let bench = DeliveryBench()
        bench.network.hosts[endpoint("192.0.2.1")] = .failing(.refused)
        _ = bench.serve("192.0.2.2")
        bench.deliver(via: smtp("192.0.2.1", "192.0.2.2"))
        bench.deliver(via: smtp("192.0.2.1", "192.0.2.2"))
        let two = endpoint("192.0.2.2")
        #expect(bench.network.dialed == [endpoint("192.0.2.1"), two, two])
        let back = bench.serve("192.0.2.1")
        bench.loop.advance(by: .minutes(1))
        bench.deliver(via: smtp("192.0.2.1", "192.0.2.2"))
        #expect(back.messages.count == 1)
    }

    @Test func connectionsToALesserHostAreKeptAndUsedToo() throws {
        let bench = DeliveryBench(zone: #"{"b.y.example": {"A": ["192.0.2.2"]}}"#)
        let server = bench.serve("192.0.2.2")
        for _ in 0..<3 { bench.release(bench.deliver(via: mx(("a.y.example", 10), ("b.y.example", 20)))) }
        #expect(bench.network.dialed.count == 1)
        #expect(bench.agent.idleConnections == 1)
        #expect(server.messages.count == 3)
        // A kept connection that breaks is made again to the same host.
        server.answer = { line, _ in server.messages.count == 3 && line.hasPrefix("MAIL") && bench.network.dialed.count == 1 ? "close" : nil }
        let number = bench.deliver(via: mx(("a.y.example", 10), ("b.y.example", 20)))
        #expect(bench.ending(number)?.outcomes == relayed)
        #expect(bench.network.dialed.count == 2)
    }

    @Test("421 or a break before the message: the next host, with what the first said of others kept")
    func nextHostWithinTheTransaction() throws {
        for trouble in ["421 4.3.2 closing", "close"] {
            let bench = DeliveryBench()
            let server = bench.serve("192.0.2.1")
            server.answer = { line, _ in line.contains("<c@") ? "550 5.1.1 no" : line.contains("<d@") ? trouble : nil }
            let backup = bench.serve("192.0.2.2")
            let number = bench.deliver(to: ["b@y.example", "c@y.example", "d@y.example"], via: smtp("192.0.2.1", "192.0.2.2"))
            let ending = try #require(bench.ending(number))
            #expect(ending.report.outcomes.sorted { $0.recipient < $1.recipient }.map(\.outcome) == [
                relayed[0], .failed(Diagnosis(status: .init(5, 1, 1), reply: Reply(550, .init(5, 1, 1), "no"))), relayed[0],
            ])
            #expect(backup.messages.first?.commands.count == 3)
        }
    }

    @Test func twoSessionsAtMost() throws {
        let bench = DeliveryBench()
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] { bench.serve(address).greeting = "554 no" }
        let ending = try #require(bench.ending(bench.deliver(via: smtp("192.0.2.1", "192.0.2.2", "192.0.2.3"))))
        #expect(bench.network.dialed.count == 2)
        guard case .deferred(let diagnosis) = ending.outcomes[0] else { Issue.record("\(ending.outcomes)"); return }
        #expect(diagnosis.reply == Reply(554, nil, "no"))
        #expect(diagnosis.status.class == 4)
        #expect(ending.report.feedback == .unavailable)
    }

    @Test func fiveAddressesAtMost() throws {
        let bench = DeliveryBench(zone: #"{"mx.y.example": {"A": ["192.0.2.1", "192.0.2.2", "192.0.2.3"], "AAAA": ["2001:db8::1", "2001:db8::2", "2001:db8::3"]}}"#)
        let ending = try #require(bench.ending(bench.deliver(via: mx(("mx.y.example", 10)))))
        #expect(bench.network.dialed == [
            endpoint("192.0.2.1"), endpoint("2001:db8::1"), endpoint("192.0.2.2"), endpoint("2001:db8::2"), endpoint("192.0.2.3"),
        ])
        guard case .deferred(let diagnosis) = ending.outcomes[0] else { Issue.record("\(ending.outcomes)"); return }
        #expect(diagnosis.status == .init(4, 4, 1))
        #expect(diagnosis.explanation == "No connection to mx.y.example [192.0.2.3]:25: connection refused.")
    }

    @Test func addressFamilies() {
        let zone = #"{"mx.y.example": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}}"#
        for (preference, expected) in [
            (AddressPreference.ipv4Only, ["192.0.2.1"]), (.ipv6Only, ["2001:db8::1"]), (.ipv6First, ["2001:db8::1", "192.0.2.1"]),
        ] {
            let bench = DeliveryBench(zone: zone) {
                $0.addressPreference = preference
                $0.sourceIPv6 = IPAddress("2001:db8::99")
            }
            bench.deliver(via: mx(("mx.y.example", 10)))
            #expect(bench.network.dialed == expected.map { endpoint($0) })
            #expect(bench.network.sources == expected.map { $0.contains(":") ? IPAddress("2001:db8::99") : nil })
        }
    }

    @Test func hostsWithoutAddress() throws {
        let zone = #"{"a.example": {"TXT": ["x"]}, "c.example": {"rcode": "SERVFAIL"}, "zero.example": {"A": ["0.0.0.0"]}}"#
        func outcome(_ hop: NextHop) throws -> DeliveryOutcome {
            let bench = DeliveryBench(zone: zone)
            return try #require(bench.ending(bench.deliver(via: hop))?.outcomes.first)
        }
        for hop in [mx(("a.example", 10)), mx(("b.example", 10)), mx(("zero.example", 10))] {
            guard case .failed(let diagnosis) = try outcome(hop) else { Issue.record("not failed"); continue }
            #expect(diagnosis.status == .init(5, 4, 4))
        }
        for hop in [mx(("c.example", 10)), mx(("c.example", 10), ("b.example", 20))] {
            guard case .deferred(let diagnosis) = try outcome(hop) else { Issue.record("not deferred"); continue }
            #expect(diagnosis.status == .init(4, 4, 3))
        }
        #expect(try outcome(.smtp(hosts: [])) != .untried)
    }

    @Test("MX hosts that are this host, by address (RFC 5321 §5.1)") func thisHost() throws {
        let zone = #"{"a.example": {"A": ["127.0.0.1"]}, "b.example": {"A": ["192.0.2.2"]}, "c.example": {"A": ["198.51.100.7"]}}"#
        let own = OwnHost(names: ["me.example"], addresses: [IPAddress("198.51.100.7") ?? .loopback],
                          listeners: [endpoint("0.0.0.0"), endpoint("::1", 2525)])
        for hop in [mx(("a.example", 10)), mx(("c.example", 10)), mx(("a.example", 10), ("b.example", 10)), mx(("a.example", 10), ("b.example", 20))] {
            let bench = DeliveryBench(zone: zone, seed: 3, own: own)
            _ = bench.serve("192.0.2.2")
            let ending = try #require(bench.ending(bench.deliver(via: hop)))
            if case .relayed = ending.outcomes[0] { continue }
            guard case .failed(let diagnosis) = ending.outcomes[0] else { Issue.record("\(ending.outcomes)"); continue }
            #expect(diagnosis.status == .init(5, 4, 6))
        }
        // A better host than this one is fine, and so is another port.
        let bench = DeliveryBench(zone: zone, own: own)
        _ = bench.serve("192.0.2.2")
        #expect(bench.ending(bench.deliver(via: mx(("b.example", 5), ("a.example", 10))))?.outcomes == relayed)
        _ = bench.serve("127.0.0.1", port: 2526)
        let other = NextHop.smtp(hosts: [HopHost(.name("a.example"), port: 2526, preference: 10)])
        #expect(bench.ending(bench.deliver(via: other))?.outcomes == relayed)
    }

    @Test func equalHostsShareTheLoad() {
        let zone = #"{"a.example": {"A": ["192.0.2.1"]}, "b.example": {"A": ["192.0.2.2"]}, "c.example": {"A": ["192.0.2.3"]}}"#
        let bench = DeliveryBench(zone: zone)
        let servers = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map { bench.serve($0) }
        for _ in 0..<100 { bench.deliver(via: mx(("a.example", 10), ("b.example", 10), ("c.example", 20))) }
        #expect(servers[0].messages.count > 30 && servers[1].messages.count > 30)
        #expect(servers[2].messages.isEmpty)
    }

    @Test func refusedAtEHLO() throws {
        let bench = DeliveryBench()
        let server = bench.serve("192.0.2.1")
        server.answer = { line, _ in line.contains("LO ") ? "550 5.7.1 not you" : nil }
        let ending = try #require(bench.ending(bench.deliver(via: smtp("192.0.2.1"))))
        guard case .failed(let diagnosis) = ending.outcomes[0] else { Issue.record("\(ending.outcomes)"); return }
        #expect(diagnosis.status == .init(5, 7, 1))
        #expect(diagnosis.reply == Reply(550, .init(5, 7, 1), "not you"))
    }

    @Test func requestsToSlowDown() throws {
        for (command, reply, feedback) in [
            ("MAIL", "450 4.7.1 too fast", SiteFeedback.throttled), ("RCPT", "450 4.7.1 greylisted", .answered),
            ("RCPT", "421 4.7.28 rate", .throttled), ("RCPT", "450 4.7.28 rate", .throttled), ("MAIL", "550 5.7.1 no", .answered),
            ("DATA", "451 4.3.0 no", .answered), ("MAIL", "close", .unavailable),
        ] {
            let bench = DeliveryBench()
            let server = bench.serve("192.0.2.1")
            server.answer = { line, _ in line.hasPrefix(command) ? reply : nil }
            let ending = try #require(bench.ending(bench.deliver(via: smtp("192.0.2.1"))))
            #expect(ending.report.feedback == feedback, "\(command) \(reply)")
        }
    }

    @Test("Whatever the servers do, each attempt ends once, with one outcome a recipient", arguments: 0..<150)
    func endsOnce(seed: Int) {
        let random = SeededRandom(UInt64(seed))
        let bench = DeliveryBench(seed: UInt64(seed)) { $0.maxMessagesPerConnection = 5 }
        let answers = ["", "close", "421 4.3.2 bye", "450 4.2.0 later", "452 4.5.3 many", "550 5.1.1 no", "250 ok", "354 go", "xx", "250-a"]
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
            let server = bench.serve(address)
            if random.next(below: 5) == 0 { server.greeting = answers[Int(random.next(below: 10))] }
            if random.next(below: 3) == 0 { server.keywords = ["8BITMIME"] }
            server.answer = { _, _ in random.next(below: 6) == 0 ? answers[Int(random.next(below: 10))] : nil }
            server.finalAnswer = { _ in random.next(below: 3) == 0 ? answers[Int(random.next(below: 10))] : "250 2.0.0 ok" }
        }
        if random.next(below: 4) == 0 { bench.network.hosts[endpoint("192.0.2.1")] = .silent }
        var numbers: [Int] = []
        for _ in 0..<10 {
            let number = bench.deliver(to: ["b@y.example", "c@y.example", "d@y.example"], via: smtp("192.0.2.1", "192.0.2.2", "192.0.2.3"))
            numbers.append(number)
            bench.loop.advance(by: .seconds(Int64(random.next(below: 60))))
            bench.release(number)
        }
        bench.loop.advance(by: .hours(2))
        for number in numbers {
            #expect(bench.endings[number]?.count == 1)
            #expect(Set(bench.ending(number)?.report.outcomes.map(\.recipient) ?? []) == [0, 1, 2])
            #expect(bench.ending(number)?.report.outcomes.count == 3)
            bench.release(number)
        }
        bench.agent.stop()
        bench.loop.advance(by: .hours(1))
        #expect(bench.agent.idleConnections == 0)
        #expect(bench.loop.timerCount == 0)
    }
}
