import MailAuth
import Ports
import Testing

@Suite("TLS report tally")
struct TLSReportTallyTests {
    private let now = Timestamp(seconds: 1_790_000_000)
    private let policy = TLSReport.Policy(type: .sts, strings: ["version: STSv1", "mode: enforce"], domain: "a.example",
                                          mxHosts: ["*.a.example"])

    private func failure(_ type: TLSReport.ResultType, host: String = "mx.a.example", reason: String? = nil) -> TLSReport.Failure {
        TLSReport.Failure(type: type, receivingHost: host, receivingAddress: "192.0.2.1", sessions: 0, reasonCode: reason)
    }

    @Test("sessions are counted by policy, and failures by their details")
    func counting() throws {
        var tally = TLSReportTally()
        for _ in 0..<3 { tally.count(policy, nil, at: now) }
        tally.count(policy, failure(.certificateExpired), at: now)
        tally.count(policy, failure(.certificateExpired), at: now)
        tally.count(policy, failure(.starttlsNotSupported), at: now)
        tally.count(TLSReport.Policy(type: .none, domain: "a.example"), nil, at: now)
        let key = TLSReportTally.Key(day: TLSReportTally.day(of: now), domain: "a.example")
        #expect(tally.keys == [key])
        let results = tally.results(for: key)
        #expect(results.map(\.successes) == [3, 1] && results.map(\.failures) == [3, 0])
        #expect(results[0].details.map(\.sessions) == [2, 1])
        let report = try #require(tally.report(for: key, organization: "A", contact: "tls@a.example", id: "1"))
        #expect(report.start <= now && now <= report.end && report.end - report.start == .seconds(86_399))
    }

    @Test("what was counted survives the file, whatever the texts hold")
    func file() {
        var tally = TLSReportTally()
        tally.count(policy, failure(.validationFailure, reason: "a \"b\" %41 -\n\u{1b}ä"), at: now)
        tally.count(policy, failure(.validationFailure, reason: "-"), at: now)
        tally.count(policy, failure(.validationFailure, reason: ""), at: now)
        tally.count(TLSReport.Policy(type: .tlsa, strings: ["3 1 1 ab"], domain: "b.example"), nil, at: now + .days(1))
        #expect(TLSReportTally(decoding: tally.encoded) == tally)
    }

    @Test("a damaged file costs lines, never more")
    func damage() {
        var tally = TLSReportTally()
        tally.count(policy, failure(.validationFailure, reason: "x"), at: now)
        let text = tally.encoded
        for index in text.indices {
            for octet: UInt8 in [0, 0x20, 0x0a, 0x39, 0x2d, 0xff] {
                var damaged = text
                damaged[index] = octet
                #expect(TLSReportTally(decoding: damaged).keys.count <= 1)
            }
            #expect(TLSReportTally(decoding: Array(text.prefix(index))).keys.count <= 1)
        }
    }

    @Test("days, policies and details have limits")
    func limits() {
        var limits = TLSReportTally.Limits()
        limits.days = 2
        limits.policies = 3
        limits.details = 2
        var tally = TLSReportTally(limits: limits)
        for host in ["1", "2", "3"] { tally.count(policy, failure(.certificateExpired, host: host), at: now) }
        let key = TLSReportTally.Key(day: TLSReportTally.day(of: now), domain: "a.example")
        #expect(tally.results(for: key)[0].failures == 3 && tally.results(for: key)[0].details.count == 2)
        for number in 0..<5 { tally.count(TLSReport.Policy(type: .none, domain: "\(number).example"), nil, at: now) }
        #expect(tally.keys.count == 3)
        tally.count(TLSReport.Policy(type: .none, domain: "b.example"), nil, at: now + .days(2))
        #expect(tally.keys.map(\.domain) == ["b.example"])
    }

    @Test("the counters write once an interval, and what is left at the end")
    func saving() {
        final class Memory: StateFile {
            var content: [UInt8]?
            var writes = 0
            func read() -> [UInt8]? { content }
            func write(_ content: [UInt8]) {
                self.content = content
                writes += 1
            }
        }
        let loop = TestLoop(now: now), memory = Memory()
        let counters = TLSReportCounters(loop: loop, file: memory)
        counters.count(policy, nil)
        counters.count(policy, nil)
        loop.run()
        #expect(memory.writes == 1)
        counters.count(policy, nil)
        counters.save()
        counters.save()
        #expect(memory.writes == 2)
        let key = TLSReportTally.Key(day: TLSReportTally.day(of: now), domain: "a.example")
        #expect(TLSReportCounters(loop: loop, file: memory).tally.results(for: key).first?.successes == 3)
    }
}
