import MailAuth
import MessageFormat
import Testing

@Suite struct AuthenticationResultsTests {
    @Test func written() {
        let results = AuthenticationResults(service: "mx.example", methods: [
            .init("spf", .fail, reason: "192.0.2.1 matches -all in the SPF record of \"a\"", [.init("smtp", "mailfrom", "joe@a.example")]),
            .init("dkim", .pass, comment: "rsa (2048)", [.init("header", "b", "Qgi/FoC0"), .init("header", "d", "a.example")]),
        ])
        #expect(String(decoding: results.field.wire, as: UTF8.self) == """
            Authentication-Results: mx.example; spf=fail reason="192.0.2.1 matches -all in\r
             the SPF record of \\"a\\"" smtp.mailfrom=joe@a.example; dkim=pass (rsa\r
             \\(2048\\)) header.b="Qgi/FoC0" header.d=a.example\r\n
            """)
        #expect(AuthenticationResults(service: "mx.example").body == "mx.example; none")
        #expect(AuthenticationResults(service: "mx example", methods: [.init("auth", "pass", [.init("smtp", "auth", "\"\r\nX: y")])]).body
            == "\"mx example\"; auth=pass smtp.auth=\"\\\"  X: y\"")
    }

    @Test("A value from outside ends no line") func injection() {
        let results = AuthenticationResults(service: "mx.example", methods: [.init("spf", .none, [.init("smtp", "helo", "a\r\nX: y")])])
        #expect(!String(decoding: results.field.wire, as: UTF8.self).contains("\r\nX"))
    }

    @Test(arguments: [
        ("mx.example; none", true), (" (comment) MX.Example. ; spf=pass", true), ("\"mx.example\"; none", true),
        ("(a(b\\)c)d)mx.example/1;", true), ("\r\n\tmx.example 1; none", true), ("mx.example.org; none", false),
        ("other.example; spf=pass (mx.example)", false), ("", true), ("(open mx.example", true), ("mx.exampl\u{65}", true),
    ])
    func foreignClaims(body: String, isOurs: Bool) {
        #expect(AuthenticationResults.claims("mx.example", body: Array(body.utf8)[...]) == isOurs)
    }

    @Test func internationalNames() {
        #expect(AuthenticationResults.claims("xn--bcher-kva.example", body: Array("b\u{fc}cher.example; none".utf8)[...]))
    }

    @Test(arguments: [
        "", ";", "mx.example;;", "mx.example; spf", "mx.example; spf=", "mx.example; spf=pass smtp.mailfrom", "mx.example; none none",
        "mx.example; spf=pass (", "mx.example; spf=pass reason=\"x", "mx.example 99999; none", "mx.example; spf=pass smtp.=x",
    ])
    func mistakes(body: String) {
        #expect(throws: AuthenticationResultsError.self) { try AuthenticationResults(parsing: body) }
    }

    @Test func limits() {
        let many = "mx.example" + String(repeating: "; spf=pass", count: AuthenticationResults.maxParts + 1)
        #expect(throws: AuthenticationResultsError.tooLong) { try AuthenticationResults(parsing: many) }
        let properties = "mx.example; spf=pass" + String(repeating: " a.b=c", count: AuthenticationResults.maxParts + 1)
        #expect(throws: AuthenticationResultsError.tooLong) { try AuthenticationResults(parsing: properties) }
        let deep = "mx.example " + String(repeating: "(", count: AuthenticationResults.maxOctets)
        #expect(throws: AuthenticationResultsError.tooLong) { try AuthenticationResults(parsing: deep) }
        #expect(throws: AuthenticationResultsError.self) { try AuthenticationResults(parsing: String(deep.prefix(16_000))) }
    }

    @Test("a quote that a mark combines with is a quote all the same") func combiningMarks() throws {
        let value = "x\"\u{301} header.from=bank.example; dmarc=pass \"y"
        let results = AuthenticationResults(service: "mx.example", methods: [
            .init("spf", .fail, comment: "a)\u{301} dmarc=pass (b", reason: "r\\\u{301}", [.init("smtp", "mailfrom", value)]),
        ])
        let again = try AuthenticationResults(parsing: results.body)
        #expect(again.methods.count == 1)
        #expect(again.methods.first?.properties == [.init("smtp", "mailfrom", value)])
    }

    @Test("a control in a value ends neither the line nor the field") func controls() {
        let results = AuthenticationResults(service: "mx.example", methods: [.init("spf", .fail, reason: "a\r\nb\0c")])
        #expect(results.body == "mx.example; spf=fail reason=\"a  b c\"")
    }

    @Test func everyPrefixIsSurvived() {
        let text = Array("mx.example 1; spf/1=pass (a\\)b) reason=\"q\\\"\" smtp.mailfrom=\"a b\"@c.example; none".utf8)
        for length in 0...text.count { _ = try? AuthenticationResults(parsing: text[..<length]) }
    }
}
