import Foundation
import MailAuth
import Testing

@Suite("MTA-STS suite", .enabled(if: Suites.has("mta-sts"), "suite mta-sts is absent: set BATON_SUITES"))
struct MTASTSSuiteTests {
    struct Case: Decodable, Sendable, CustomStringConvertible {
        var `func`: String?
        var input: String
        var ok: Bool
        var id: String?
        var description: String { input }
    }

    static let cases = ["mox.json", "mail-auth-records.json"].flatMap { file in
        (try? JSONDecoder().decode([Case].self, from: Suites.data("mta-sts/\(file)"))) ?? []
    }

    @Test func casesAreThere() { #expect(MTASTSSuiteTests.cases.count == 44) }

    @Test(arguments: cases)
    func parsed(_ test: Case) {
        let text = Array(test.input.utf8)
        if test.func == "TestParsePolicy" {
            let policy = try? MTASTSPolicy(parsing: text)
            #expect((policy != nil) == test.ok)
        } else {
            let record = MTASTSRecord(text)
            #expect((record != nil) == test.ok)
            if let id = test.id { #expect(record?.id == id) }
        }
    }
}

@Suite("TLS-RPT suite", .enabled(if: Suites.has("tlsrpt"), "suite tlsrpt is absent: set BATON_SUITES"))
struct TLSRPTSuiteTests {
    static let cases = (try? JSONDecoder().decode([MTASTSSuiteTests.Case].self, from: Suites.data("tlsrpt/mox-record-parse.json"))) ?? []

    @Test(arguments: cases)
    func parsed(_ test: MTASTSSuiteTests.Case) { #expect((TLSRPTRecord(Array(test.input.utf8)) != nil) == test.ok) }

    /// Reads a report as its receiver would, writes it again, and compares what both say.
    @Test(arguments: ["rfc8460.json", "mail.ru.json", "smtp_tls.json"])
    func roundTrip(_ file: String) throws {
        let original = try JSONSerialization.jsonObject(with: Suites.data("tlsrpt/parsedmarc/\(file)"))
        let report = try #require(TLSReport(receiving: original))
        let written = try JSONSerialization.jsonObject(with: Data(report.json))
        #expect((written as? NSDictionary) == (original as? NSDictionary))
    }
}
