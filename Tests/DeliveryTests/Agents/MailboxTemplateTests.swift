import MessageFormat
import Testing
@testable import Delivery

@Suite struct MailboxTemplateTests {
    private func path(_ template: String, _ address: String, _ letterCase: MailboxTemplate.LetterCase = .folded) throws -> String? {
        try #require(MailboxTemplate(parsing: template)).path(for: EmailAddress(parsing: address), letterCase: letterCase)?.description
    }

    @Test(arguments: [
        ("/var/mail/{domain}/{user}/Maildir", "User@X.example", "/var/mail/x.example/user/Maildir"),
        ("/var/mail", "user@x.example", "/var/mail"), ("mail/{user}@{domain}", "user@x.example", "mail/user@x.example"),
        ("/{domain}/{user}", "\"../../etc/passwd\"@x.example", "/x.example/%2E.%2F..%2Fetc%2Fpasswd"),
        ("/{user}", "\"..\"@x.example", "/%2E."), ("/{user}", "\".\"@x.example", "/%2E"), ("/{user}", "\"\"@x.example", nil),
        ("/{user}", "\"a b\\\\%c@d\"@x.example", "/a%20b%5C%25c%40d"), ("/{user}", "Pelé.Ö+tag=1@x.example", "/pelé.Ö+tag=1"),
        ("/{domain}", "u@[IPv6:2001:db8::1]", "/%5BIPv6%3A2001%3Adb8%3A%3A1%5D"), ("/{user}", "-oQ@x.example", "/-oq"),
        ("/{user}", "\"| id\"@x.example", "/%7C%20id"), ("/{user}", "${run}@x.example", "/%24%7Brun%7D"),
    ])
    func paths(template: String, address: String, expected: String?) throws {
        #expect(try path(template, address) == expected)
    }

    @Test func caseIsKeptWhenAsked() throws {
        #expect(try path("/{user}", "User@x.example", .kept) == "/User")
    }

    @Test(arguments: [
        ("user+tag@x.example", "/x.example/user/.tag"), ("user@x.example", "/x.example/user"), ("user+@x.example", "/x.example/user"),
        ("+tag@x.example", "/x.example/+tag"), ("user+a+b@x.example", "/x.example/user/.a+b"), ("\"u+/../x\"@x.example", "/x.example/u/.%2F..%2Fx"),
        ("\"u+.\"@x.example", "/x.example/u/.%2E"),
    ])
    func tags(address: String, expected: String) throws {
        let template = try #require(MailboxTemplate(parsing: "/{domain}/{user}/.{tag}"))
        #expect(try template.path(for: EmailAddress(parsing: address), letterCase: .folded, separator: 0x2b)?.description == expected)
    }

    @Test(arguments: ["", "/{name}", "/a{", "/a}", "/{domain}/../{user}", "/{domain}/./{user}", "/a\n/{user}", "/{local"])
    func refused(template: String) { #expect(MailboxTemplate(parsing: template) == nil) }

    @Test func theTrustedRootEndsAtTheFirstPlaceholder() throws {
        let template = try #require(MailboxTemplate(parsing: "/var/mail/../mail/{domain}/x/{user}"))
        let path = try #require(template.path(for: EmailAddress(parsing: "u@d.example"), letterCase: .folded))
        #expect(path.root == "/var/mail/../mail")
        #expect(path.components.map(\.name) == ["d.example", "x", "u"])
    }

    @Test func differentAddressesHaveDifferentMailboxes() throws {
        let locals = ["a", "\"a/b\"", "\"a%2Fb\"", "\"%2E\"", "\".\"", "\"a b\"", "a+b", "a=b", "\"a\\\"b\"", "é", "e\u{301}"]
        let paths = try locals.compactMap { try path("/{user}", $0 + "@x.example") }
        #expect(Set(paths.map { Array($0.utf8) }).count == locals.count)
    }

    @Test func namesThatAreTooLongHaveNoMailbox() throws {
        let address = try EmailAddress(localPart: String(repeating: " ", count: 100), host: .domain(try Domain(parsing: "x.example")),
                                       limits: .init(localPart: 200))
        #expect(MailboxTemplate(parsing: "/{user}")?.path(for: address, letterCase: .kept) == nil)
    }

    @Test(arguments: ["", ".", "..", "a/b", "a\0b", "a\nb", "\u{7f}", String(repeating: "x", count: 256)])
    func componentsThatAreRefused(name: String) { #expect(PathComponent(name) == nil) }
}

@Suite struct LineEndConverterTests {
    @Test(arguments: [
        ("a\r\nb\r\n", "a\nb\n"), ("a\rb\r\r\n\r", "a\rb\r\n\r"), ("\r\n", "\n"), ("\n\r", "\n\r"), ("", ""), ("\r", "\r"), ("abc", "abc"), ("a\nb", "a\nb"),
    ])
    func everySplit(input: String, expected: String) {
        let bytes = Array(input.utf8)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                var converter = LineEndConverter(.lf)
                var output = converter.convert(Array(bytes[..<first]))
                output += converter.convert(Array(bytes[first..<second]))
                output += converter.convert(Array(bytes[second...]))
                output += converter.finish()
                #expect(output == Array(expected.utf8))
                var identity = LineEndConverter(.crlf)
                #expect(identity.convert(bytes) + identity.finish() == bytes)
            }
        }
    }
}
