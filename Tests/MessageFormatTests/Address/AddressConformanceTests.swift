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
