import MessageFormat
import Testing

@Suite struct AddressConformanceTests {
    struct IsEmailCase: Decodable, Sendable {
        let id: Int
        let address: String
        let rfc5321_ok: Bool
    }

    @Test(.enabled(if: SuiteFolder.exists("address-isemail"), "suite address-isemail is absent"))
    func isEmail() throws {
        let cases = try SuiteFolder.json("address-isemail/tests.json", as: [IsEmailCase].self)
        #expect(cases.count == 164)
        for test in cases {
            let parsed = try? EmailAddress(parsing: test.address)
            #expect((parsed != nil) == test.rfc5321_ok, "case \(test.id): \(test.address.debugDescription)")
            let inPath = try? PathParser().forwardPath("<\(test.address)>")
            #expect((inPath != nil) == test.rfc5321_ok, "path of case \(test.id)")
            if let parsed { #expect(try EmailAddress(parsing: parsed.description) == parsed) }
        }
    }

    struct MoxCase: Decodable {
        let `func`: String
        let input: String
        let ok: Bool
    }

    @Test(.enabled(if: SuiteFolder.exists("smtp-address"), "suite smtp-address is absent"))
    func mox() throws {
        for test in try SuiteFolder.json("smtp-address/mox.json", as: [MoxCase].self) {
            let text = test.func == "TestParseLocalpart" ? test.input + "@x.example" : test.input
            #expect(((try? EmailAddress(parsing: text)) != nil) == test.ok, "\(test.input.debugDescription)")
        }
    }

    struct HarakaCase: Decodable {
        let input: String
        let ok: Bool
        let local: String?
        let host: String?
        let original_host: String?
    }

    @Test(.enabled(if: SuiteFolder.exists("smtp-address"), "suite smtp-address is absent"))
    func haraka() throws {
        let parser = PathParser(brackets: .optional)
        for test in try SuiteFolder.json("smtp-address/haraka-rfc2821.json", as: [HarakaCase].self) {
            switch test.input {
            case "<>":
                #expect(try parser.reversePath(test.input) == .null)
            case "<postmaster>":
                #expect(try parser.forwardPath(test.input) == .postmaster)
            default:
                let address = (try? parser.forwardPath(test.input))?.address
                #expect((address != nil) == test.ok, "\(test.input)")
                guard test.ok, let address else { continue }
                let wire = address.description
                // The suite keeps the quotes of a quoted local part.
                #expect(wire == "\(test.local ?? "")@\(test.host ?? "")")
                if let original = test.original_host { #expect(address.domain?.unicode == original) }
            }
        }
    }

    @Test(.enabled(if: SuiteFolder.exists("naughty-strings"), "suite naughty-strings is absent"))
    func naughtyStringsNeverPassAControl() throws {
        for text in try SuiteFolder.json("naughty-strings/blns.json", as: [String].self) {
            for candidate in [text, "\(text)@x.example", "\"\(text)\"@x.example", "a@\(text)", "<\(text)@\(text)>"] {
                guard let address = try? EmailAddress(parsing: candidate) else { continue }
                #expect(!address.description.unicodeScalars.contains { $0.value < 32 || $0.value == 127 })
                #expect(try EmailAddress(parsing: address.description) == address)
            }
        }
    }
}

/// The non-transitional results of UTS 46, as far as a mail domain may be what the case names.
@Suite struct InternationalDomainConformanceTests {
    @Test(.enabled(if: SuiteFolder.exists("idna-uts46"), "suite idna-uts46 is absent"))
    func uts46() throws {
        let text = String(decoding: try SuiteFolder.data("idna-uts46/IdnaTestV2-13.0.0.txt"), as: UTF8.self)
        var wrong: [String] = []
        var refused = 0
        var count = 0
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let columns = line.prefix { $0 != "#" }.split(separator: ";", omittingEmptySubsequences: false).map { trimmed($0) }
            guard columns.count >= 5, !columns[0].contains("\\") else { continue }
            let source = columns[0]
            let unicode = columns[1].isEmpty ? source : columns[1]
            let expected = columns[3].isEmpty ? unicode : columns[3]
            let status = columns[4].isEmpty ? columns[2] : columns[4]
            let isError = !status.isEmpty && status != "[]"
            // A final dot, names without letters, digits and hyphens only, and bare A-labels have rules of their own here.
            guard !isError, !source.hasSuffix("."), !expected.hasSuffix("."),
                  expected.utf8.allSatisfy({ (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x2e }) else { continue }
            count += 1
            guard let found = (try? Domain(parsing: source))?.ascii else {
                refused += 1
                continue
            }
            if found != expected { wrong.append("\(source) → \(found), not \(expected)") }
        }
        #expect(count > 350)
        #expect(wrong.isEmpty, "\(wrong.count) of \(count): \(wrong.prefix(20))")
        // IDNA2008 has no symbols, and the library may know an older Unicode than the suite: such names are refused, never changed.
        #expect(refused * 8 < count)
    }

    private func trimmed(_ text: Substring) -> String { String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed()) }
}
