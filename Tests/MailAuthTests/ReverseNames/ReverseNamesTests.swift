import DNS
import MailAuth
import Ports
import Testing

@Suite("iprev") struct ReverseNamesTests {
    static let zone = """
        {"1.2.0.192.in-addr.arpa": {"PTR": ["wrong.example", "mx.example"]}, "mx.example": {"A": ["192.0.2.1"]},
         "wrong.example": {"A": ["192.0.2.9"]}, "2.2.0.192.in-addr.arpa": {"PTR": ["wrong.example"]},
         "4.2.0.192.in-addr.arpa": {"rcode": "SERVFAIL"}, "5.2.0.192.in-addr.arpa": {"PTR": ["slow.example"]},
         "slow.example": {"rcode": "TIMEOUT"}}
        """

    @Test(arguments: [
        ("192.0.2.1", AuthenticationResult.pass, "192.0.2.1 is mx.example"), ("::ffff:192.0.2.1", .pass, "::ffff:192.0.2.1 is mx.example"),
        ("192.0.2.2", .fail, "wrong.example does not lead back to 192.0.2.2"), ("192.0.2.3", .permerror, "192.0.2.3 has no name"),
        ("192.0.2.4", .temperror, "no answer to whose address 192.0.2.4 is"),
        ("192.0.2.5", .temperror, "no answer to whose address 192.0.2.5 is"),
    ])
    func addressAndName(text: String, result: AuthenticationResult, reason: String) throws {
        let loop = TestLoop(now: Timestamp(seconds: 0))
        let lookups = Lookups(ZoneResolver(try Zone(json: Array(ReverseNamesTests.zone.utf8))), on: loop, deadline: loop.now + .seconds(20))
        let address = try #require(IPAddress(text))
        var found: [ReverseNames] = []
        ReverseNames.find(of: address, lookups) { found.append($0) }
        loop.run()
        #expect(found.map(\.result) == [result])
        #expect(found.first?.reason(for: address) == reason)
    }
}
