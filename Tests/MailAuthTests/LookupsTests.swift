import DNS
import MailAuth
import Ports
import Testing

@Suite("One budget of lookups a message") struct LookupsTests {
    let loop = TestLoop(now: Timestamp(nanoseconds: 0))

    @Test func overBudgetIsTimedOut() throws {
        let zone = try Zone(json: Array(#"{"a.test": {"TXT": ["x"]}}"#.utf8))
        let lookups = Lookups(ZoneResolver(zone), on: loop, limit: 1, deadline: loop.now + .seconds(20))
        var seen: [DNSAnswer.Status] = []
        lookups.ask("a.test", .txt) { seen.append($0.status) }
        lookups.ask("a.test", .txt) { seen.append($0.status) }
        #expect(seen.isEmpty)
        loop.run()
        #expect(seen == [.success, .timedOut])
        #expect(lookups.asked.count == 2)
    }

    @Test func theDeadlineAnswers() throws {
        let zone = try Zone(json: Array(#"{"slow.test": {"TXT": ["x"], "delay": 60}}"#.utf8))
        let lookups = Lookups(ZoneResolver(zone), on: loop, deadline: loop.now + .seconds(20))
        var seen: [DNSAnswer.Status] = []
        lookups.ask("slow.test", .txt) { seen.append($0.status) }
        loop.run()
        #expect(seen == [.timedOut])
    }
}
