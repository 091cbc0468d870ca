import MailAuth
import MessageFormat
import Testing

/// Identity confusion (the evasions of "Composition Kills"): one author, or none.
@Suite("One author a message") struct AuthorIdentityTests {
    static func author(_ header: String) throws -> AuthorIdentity {
        let bytes = Array(header.utf8)
        return try AuthorIdentity(of: HeaderSection(scanning: bytes), in: bytes.span)
    }

    @Test(arguments: [
        ("From: a@good.example\r\n\r\n", "good.example"),
        ("from : a@good.example\r\n\r\n", "good.example"),
        ("From: \"b@evil.example\" <a@good.example>\r\n\r\n", "good.example"),
        ("From: b@evil.example (x) <a@good.example>\r\n\r\n", nil),
        ("From: =?utf-8?q?b=40evil.example?= <a@good.example>\r\n\r\n", "good.example"),
        ("From: (b@evil.example) a@good.example\r\n\r\n", "good.example"),
        ("From: a@good.example (b@evil.example)\r\n\r\n", "good.example"),
        ("From: \"a@good.example\"@evil.example\r\n\r\n", "evil.example"),
        ("From:\r\n =?utf-8?b?eA==?=\r\n <a@good.example>\r\n\r\n", "good.example"),
        ("From: J. Q. Public <a@good.example>\r\n\r\n", "good.example"),
        ("From: <a@xn--bcher-kva.example>\r\n\r\n", "xn--bcher-kva.example"),
        ("From: <a@B\u{fc}cher.example>\r\n\r\n", "xn--bcher-kva.example"),
        ("From: a (x) @ (y) good.example\r\n\r\n", "good.example"),
        ("From: a@good.example\r\nSender: b@evil.example\r\n\r\n", "good.example"),
    ]) func oneAuthor(_ header: String, _ domain: String?) {
        #expect((try? Self.author(header))?.domain.ascii == domain)
    }

    @Test(arguments: [
        ("Subject: x\r\n\r\n", AuthorError.missing),
        ("From: a@good.example\r\nFrom: b@evil.example\r\n\r\n", .severalFields),
        ("From: a@good.example\r\nFROM : a@good.example\r\n\r\n", .severalFields),
        ("From: a@good.example, b@evil.example\r\n\r\n", .severalAddresses),
        ("From: a@good.example, a@good.example\r\nSender: a@good.example\r\n\r\n", .severalAddresses),
        ("From:\r\n\r\n", .noAddress),
        ("From: ,,\r\n\r\n", .noAddress),
        ("From: undisclosed:;\r\n\r\n", .group),
        ("From: g: a@good.example;\r\n\r\n", .group),
        ("From: g: a@good.example, b@evil.example;\r\n\r\n", .group),
        ("From: a@[192.0.2.1]\r\n\r\n", .addressLiteral),
        ("From: a@good.example\u{0}\r\n\r\n", .malformed(.address(.controlCharacter))),
        ("From: a\u{0}b@good.example\r\n\r\n", .malformed(.address(.controlCharacter))),
        ("From: \u{0}\r\n\r\n", .malformed(.address(.controlCharacter))),
        ("From: <a@good.example> <b@evil.example>\r\n\r\n", .malformed(.syntax)),
        ("From: <a@good.example>@evil.example\r\n\r\n", .malformed(.syntax)),
        ("From: <a@good.example@evil.example>\r\n\r\n", .malformed(.syntax)),
        ("From: <@evil.example,@b.example:a@good.example>\r\n\r\n", .malformed(.address(.localPart))),
        ("From: a@good (x) .example\r\n\r\n", .malformed(.syntax)),
        ("From: a . b@good.example\r\n\r\n", .malformed(.address(.localPart))),
        ("From: Some Body a@good.example\r\n\r\n", .malformed(.address(.localPart))),
        ("From: (x <a@good.example>\r\n\r\n", .malformed(.unclosedComment)),
        ("From: \"x <a@good.example>\r\n\r\n", .malformed(.unclosedQuote)),
        ("From: x <a@good.example\r\n\r\n", .malformed(.unclosedBracket)),
        ("From: =?utf-8?q?a=40good.example?=\r\n\r\n", .malformed(.syntax)),
        ("From: <>\r\n\r\n", .malformed(.syntax)),
        ("From: a@good.example;\r\n\r\n", .malformed(.syntax)),
        ("From: a@good.example\r\nnot a field\r\nFrom: b@evil.example\r\n\r\n", .malformedHeader),
    ]) func noAuthor(_ header: String, _ error: AuthorError) {
        #expect(throws: error) { try Self.author(header) }
    }

    @Test func sizesAreBounded() {
        let long = "From: " + String(repeating: "a@x.example, ", count: 1001) + "b@y.example\r\n\r\n"
        #expect(throws: AuthorError.malformed(.tooManyAddresses)) { try Self.author(long) }
        let deep = "From: " + String(repeating: "(", count: 60_000) + "\r\n\r\n"
        #expect(throws: AuthorError.malformed(.unclosedComment)) { try Self.author(deep) }
        let huge = "From: \"" + String(repeating: "x", count: 70_000) + "\" <a@x.example>\r\n\r\n"
        #expect(throws: AuthorError.malformed(.tooLong)) { try Self.author(huge) }
    }
}
