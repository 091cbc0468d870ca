import DNS
import MailAuth
import Ports
import Testing

@Suite("SPF: the openspf suites", .enabled(if: Suites.has("spf-openspf-rfc7208"), "the conformance suites are not here"))
struct SPFSuiteTests {
    static func check(_ test: SPFSuite.Case) throws -> SPFResult {
        let loop = TestLoop(now: Timestamp(seconds: 1_700_000_000))
        let lookups = Lookups(ZoneResolver(test.zone), on: loop, deadline: loop.now + .seconds(20))
        let client = try #require(IPAddress(test.client))
        var results: [SPFResult] = []
        SPFCheck.run(SPFRequest(client: client, helo: test.helo, mailFrom: test.mailFrom), lookups) { results.append($0) }
        #expect(results.isEmpty, "a completion never runs before run returns")
        loop.run()
        return try #require(results.count == 1 ? results.first : nil)
    }

    static func compare(_ test: SPFSuite.Case) throws {
        let found = try check(test)
        #expect(test.results.contains(found.result.rawValue), "\(found)")
        if let explanation = test.explanation { #expect(found.explanation ?? "DEFAULT" == explanation, "\(found)") }
    }

    @Test("RFC 7208", arguments: try SPFSuite.cases("rfc7208-tests"))
    func current(test: SPFSuite.Case) throws { try SPFSuiteTests.compare(test) }

    @Test("RFC 4408", arguments: try SPFSuite.cases("rfc4408-tests"))
    func former(test: SPFSuite.Case) throws { try SPFSuiteTests.compare(test) }
}
