import Foundation
import MailAuth
import MessageFormat
import Testing

@Suite("Public suffix list", .enabled(if: Suites.has("psl"), "the suites are not here"))
struct PublicSuffixSuiteTests {
    @Test func registrableDomains() throws {
        let list = try PublicSuffixList(parsing: Suites.data("psl/public_suffix_list.dat"))
        #expect(list.count > 8000)
        var checked = 0
        for line in String(decoding: try Suites.data("psl/test_psl.txt"), as: UTF8.self).split(separator: "\n") {
            guard line.hasPrefix("checkPublicSuffix("), let end = line.firstIndex(of: ")") else { continue }
            let arguments = line[line.index(line.startIndex, offsetBy: 18)..<end].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            let names = arguments.map { $0 == "null" ? nil : $0.trimmingCharacters(in: CharacterSet(charactersIn: "'")) }
            guard names.count == 2, let name = names[0] else { continue }
            // A leading dot makes no domain, and no domain has no registrable part.
            let registrable = (try? Domain(parsing: name)).flatMap { list.organizationalDomain(of: $0) }
            #expect(registrable == (try names[1].map { try Domain(parsing: $0) }), "\(line)")
            checked += 1
        }
        #expect(checked > 70)
    }

    @Test func rulesAndExceptions() throws {
        let list = PublicSuffixList(parsing: Array("// a comment\ncom\n*.ck\n!www.ck\n\nco.uk  trailing\n".utf8))
        func domain(_ text: String) throws -> String? { list.organizationalDomain(of: try Domain(parsing: text))?.ascii }
        #expect(try domain("a.b.com") == "b.com")
        #expect(try domain("com") == nil)
        #expect(try domain("a.b.ck") == "a.b.ck")
        #expect(try domain("x.www.ck") == "www.ck")
        #expect(try domain("b.ck") == nil)
        #expect(try domain("a.b.co.uk") == "b.co.uk")
        #expect(list.publicSuffix(of: try Domain(parsing: "a.unlisted")) == "unlisted")
    }
}
