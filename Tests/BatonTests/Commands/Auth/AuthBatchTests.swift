import DNS
import Glibc
import Ports
import Testing

@testable import baton

@Suite("baton auth check --batch") struct AuthBatchTests {
    static let zone = #"{"a.example": ["v=spf1 ip4:192.0.2.1 -all"], "_dmarc.a.example": ["v=DMARC1; p=reject"]}"#

    /// Runs a batch over `lines`.
    static func answers(_ lines: String) throws -> [String] {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let octets = Array(lines.utf8)
        // Small enough for the pipe to hold.
        try #require(octets.count < 60_000 && write(ends[1], octets, octets.count) == octets.count)
        close(ends[1])
        defer { close(ends[0]) }
        var output: [UInt8] = []
        AuthBatch(engine: AuthEngine(service: "mx.example")).run(input: ends[0]) { output += $0; return true }
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func membersAndWords() throws {
        // "From: x@a.example", an empty line, "hi".
        let message = "RnJvbTogeEBhLmV4YW1wbGUKClRo"
        let lines = try Self.answers(#"{"id": "m1", "ip": "192.0.2.1", "helo": "h.example", "from": "x@a.example", "message": "\#(message)", "zone": \#(Self.zone), "at": 1500000000}"# + "\n")
        #expect(lines == [
            #"{"id":"m1","spf":{"result":"pass","identity":"mailfrom","explanation":null,"lookups":0,"domain":"a.example","reason":"192.0.2.1 matches ip4:192.0.2.1 in the SPF record of a.example"},"#
                + #""dkim":[],"#
                + #""dmarc":{"result":"pass","policy":"reject","disposition":"none","domain":"a.example","alignedBy":"spf","organizationalDomain":"a.example","policyDomain":"a.example","reason":"spf passed and aligns with a.example"},"#
                + #""arc":{"result":"none","instance":null,"reason":"there is no ARC set","trustedSealer":null},"#
                + #""authenticationResults":"mx.example; spf=pass reason=\"192.0.2.1 matches ip4:192.0.2.1 in the SPF record of a.example\" smtp.mailfrom=x@a.example; dkim=none reason=\"no signature\"; dmarc=pass (p=reject dis=none) header.from=a.example polrec.p=reject; arc=none"}"#,
        ])
    }

    @Test func errorsAreAnswersAndTheBatchGoesOn() throws {
        let lines = try Self.answers("""
            {"id": 1, "ip": "192.0.2.300"}
            nonsense

            {"id": "x", "zone": "/no/such/zone"}
            {"id": null, "ip": "192.0.2.2", "helo": "h", "from": "x@a.example", "zone": \(Self.zone)}
            {"id": {"a": [C]}}
            \u{0}\u{1}
            """)
        #expect(lines.count == 6)
        #expect(lines[4] == #"{"id":null,"error":"not a request: \"id\" is not a JSON value"}"#)
        #expect(lines[5].hasPrefix(#"{"id":null,"error":"not a request: "#))
        #expect(lines[0] == #"{"id":1,"error":"\"192.0.2.300\" is not an IP address: give one such as 192.0.2.1 or 2001:db8::1"}"#)
        #expect(lines[1].hasPrefix(#"{"id":null,"error":"not a request: "#))
        #expect(lines[2].hasPrefix(#"{"id":"x","error":"zone: /no/such/zone: "#))
        #expect(lines[3].hasPrefix(#"{"id":null,"spf":{"result":"fail""#))
        #expect(lines[3].contains(#""dmarc":{"result":"none","policy":null,"disposition":null,"domain":null,"alignedBy":null"#))
    }

    @Test func slowZonesTakeNoTime() throws {
        let zone = #"{"a.example": {"rcode": "TIMEOUT", "delay": 60}}"#
        let line = #"{"id": 1, "ip": "192.0.2.1", "helo": "h", "from": "x@a.example", "zone": \#(zone)}"#
        let lines = try Self.answers(Array(repeating: line, count: 50).joined(separator: "\n"))
        #expect(lines.count == 50)
        #expect(lines.allSatisfy { $0.contains(#""spf":{"result":"temperror""#) })
    }

    @Test func textForPeople() throws {
        let engine = AuthEngine(service: "mx.example")
        var request = AuthRequest()
        request.client = IPAddress("192.0.2.1")
        request.reversePath = "x@a.example"
        request.zone = ZoneResolver(try Zone(json: Array(Self.zone.utf8)))
        request.message = Array("From: x@a.example\r\n\r\nhi".utf8)
        let outcome = try engine.check(request)
        let lines = AuthCheckText(report: outcome.report, asked: outcome.asked, service: "mx.example").lines
        #expect(lines.first == "SPF   pass     mailfrom a.example, 0 terms asked DNS")
        #expect(lines.contains("  TXT _dmarc.a.example"))
        #expect(lines.contains(#"      "v=spf1 ip4:192.0.2.1 -all""#))
        #expect(lines.contains("DKIM  none     the message has no signature"))
        #expect(lines.contains("  TXT _dmarc.example"))
    }
}
