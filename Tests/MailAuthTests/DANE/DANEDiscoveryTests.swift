import DNS
import MailAuth
import Ports
import Synchronization
import Testing

@Suite("DANE discovery")
struct DANEDiscoveryTests {
    private static let record = TLSARecord(usage: 3, selector: 1, matching: 1, data: [UInt8](repeating: 1, count: 32))
    private static let tlsa = DNSRecord.tlsa(usage: 3, selector: 1, matching: 1, data: [UInt8](repeating: 1, count: 32))
    private static let address = DNSRecord.a(.v4(0xc000_0201))

    private func entry(_ records: [DNSRecord] = [], secure: Bool = true, status: DNSAnswer.Status = .noData,
                       bogus: Bool = false) -> Zone.Entry {
        var entry = Zone.Entry(records)
        entry.isSecure = secure
        entry.status = status
        entry.isBogus = bogus
        return entry
    }

    private func find(_ names: [String: Zone.Entry]) -> DANEFinding? {
        let loop = TestLoop(now: Timestamp(seconds: 1_790_000_000))
        let found = Mutex<DANEFinding?>(nil)
        DANEDiscovery(resolver: ZoneResolver(Zone(names))).find(host: "mx.example", port: 25, domain: "d.example", on: loop) { finding, _ in
            found.withLock { $0 = finding }
        }
        loop.run()
        return found.withLock { $0 }
    }

    private func policy(_ base: String, _ names: [String]) -> DANEFinding {
        .policy(DANEPolicy(baseDomain: base, records: [DANEDiscoveryTests.record], referenceNames: names))
    }

    @Test("a signed host with signed records")
    func records() {
        let finding = find(["mx.example": entry([DANEDiscoveryTests.address]), "_25._tcp.mx.example": entry([DANEDiscoveryTests.tlsa])])
        #expect(finding == policy("mx.example", ["mx.example", "d.example"]))
    }

    @Test("an unsigned host is not asked for records, so that servers that fail at TLSA do no harm")
    func unsigned() {
        let failing = entry(status: .serverFailure)
        #expect(find(["mx.example": entry([DANEDiscoveryTests.address], secure: false), "_25._tcp.mx.example": failing]) == DANEFinding.none)
    }

    @Test("a proven absence of records is no DANE; unsigned records are none either")
    func absence() {
        let host = entry([DANEDiscoveryTests.address])
        #expect(find(["mx.example": host]) == DANEFinding.none)
        #expect(find(["mx.example": host, "_25._tcp.mx.example": entry()]) == DANEFinding.none)
        #expect(find(["mx.example": host, "_25._tcp.mx.example": entry([DANEDiscoveryTests.tlsa], secure: false)]) == DANEFinding.none)
    }

    @Test("no answer for the records, and none that validates, keeps the host from being used",
          arguments: [DNSAnswer.Status.serverFailure, .timedOut, .bogus])
    func failures(_ status: DNSAnswer.Status) {
        let records = entry(status: status, bogus: status == .bogus)
        let names = ["mx.example": entry([DANEDiscoveryTests.address]), "_25._tcp.mx.example": records]
        guard case .unavailable(let problem)? = find(names) else {
            Issue.record("the host may be used")
            return
        }
        #expect(problem.isBogus == (status == .bogus))
    }

    @Test("no address now, or one that does not validate, is no reason to go on without DANE")
    func addressFailures() {
        for host in [entry(status: .serverFailure), entry(bogus: true), entry(status: .timedOut)] {
            guard case .unavailable? = find(["mx.example": host, "_25._tcp.mx.example": entry([DANEDiscoveryTests.tlsa])]) else {
                Issue.record("the host may be used")
                continue
            }
        }
        #expect(find([:]) == DANEFinding.none)
    }

    @Test("a signed alias: records at its end first, then at its beginning")
    func alias() {
        let names = ["mx.example": entry([.cname("real.example")]), "real.example": entry([DANEDiscoveryTests.address])]
        let end = names.merging(["_25._tcp.real.example": entry([DANEDiscoveryTests.tlsa])]) { $1 }
        #expect(find(end) == policy("real.example", ["real.example", "mx.example", "d.example"]))
        let beginning = names.merging(["_25._tcp.mx.example": entry([DANEDiscoveryTests.tlsa])]) { $1 }
        #expect(find(beginning) == policy("mx.example", ["mx.example", "d.example"]))
        #expect(find(names) == DANEFinding.none)
    }

    @Test("an alias that leads out of the signed part: records at its beginning only")
    func aliasOutside() {
        let real = entry([DANEDiscoveryTests.address], secure: false)
        let names = ["mx.example": entry([.cname("real.example")]), "real.example": real, "_25._tcp.mx.example": entry([DANEDiscoveryTests.tlsa]),
                     "_25._tcp.real.example": entry([DANEDiscoveryTests.tlsa])]
        #expect(find(names) == policy("mx.example", ["mx.example", "d.example"]))
        var unsigned = names
        unsigned["mx.example"] = entry([.cname("real.example")], secure: false)
        #expect(find(unsigned) == DANEFinding.none)
    }

    @Test("both families count: one unsigned address makes the host unsigned")
    func families() {
        let host = entry([DANEDiscoveryTests.address, .aaaa(.v6(high: 1, low: 1))])
        let names = ["mx.example": host, "_25._tcp.mx.example": entry([DANEDiscoveryTests.tlsa])]
        #expect(find(names) == policy("mx.example", ["mx.example", "d.example"]))
    }

    @Test("records of every length are taken or refused, never trapped upon", arguments: [0, 1, 2, 3, 19, 35])
    func lengths(_ count: Int) {
        let record = try? DNSRecord(parsing: [UInt8](repeating: 3, count: count)[...], type: .tlsa)
        #expect((record == nil) == (count < 4))
        guard let record else { return }
        let names = ["mx.example": entry([DANEDiscoveryTests.address]), "_25._tcp.mx.example": entry([record])]
        guard case .policy(let policy)? = find(names) else {
            Issue.record("no policy")
            return
        }
        #expect(!policy.isUsable)
    }
}
