import Cryptography
import Foundation
import MailAuth
import Ports
import Testing

@Suite("DANE suite", .enabled(if: Suites.has("dane-openssl"), "suite dane-openssl is absent: set BATON_SUITES"))
struct DANESuiteTests {
    struct Case: CustomStringConvertible, Sendable {
        var line: Int
        var result: Int
        var depth: Int
        var records: [TLSARecord] = []
        var chain: [[UInt8]] = []
        var description: String { "line \(line)" }
        /// Usages 0 and 1 mean nothing to SMTP, whatever OpenSSL makes of them.
        var isPKIXOnly: Bool { records.allSatisfy { $0.usage < 2 } }
    }

    static let cases = (try? read()) ?? []

    @Test func casesAreThere() { #expect(DANESuiteTests.cases.count == 32) }

    @Test(arguments: cases)
    func verdict(_ test: Case) {
        let now = Timestamp(seconds: 1_790_000_000)
        let verifier = DANEVerifier(records: test.records)
        switch verifier.verify(chain: test.chain, referenceNames: ["example.com"], at: now) {
        case .authenticated(let record, let depth):
            #expect(!test.isPKIXOnly && test.result == 0)
            #expect(depth == test.depth, "\(record)")
        case .refused(.noUsableRecord): #expect(test.isPKIXOnly)
        case .refused(.noMatch): #expect(test.result == 65)
        case .refused(.wrongName): #expect(test.result == 62)
        case .refused(let other): Issue.record("\(other)")
        }
    }

    private static func read() throws -> [Case] {
        let text = String(decoding: try Suites.data("dane-openssl/danetest-share.in"), as: UTF8.self)
        var cases: [Case] = []
        var test: Case?
        var missing = (records: 0, certificates: 0)
        var base64: String?
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("-----BEGIN") {
                base64 = ""
            } else if line.hasPrefix("-----END") {
                if let der = base64.flatMap({ Data(base64Encoded: $0) }) { test?.chain.append(Array(der)) }
                base64 = nil
                missing.certificates -= 1
                if missing.certificates == 0, let done = test {
                    cases.append(done)
                    test = nil
                }
            } else if base64 != nil {
                base64?.append(contentsOf: line)
            } else if !line.hasPrefix("#"), !line.isEmpty, !line.contains("=") {
                let fields = line.split(separator: " ")
                let numbers = fields.prefix(5).map { Int($0) ?? 0 }
                if test == nil, fields.count == 5 {
                    test = Case(line: number + 1, result: numbers[3], depth: numbers[4])
                    missing = (numbers[0], numbers[1])
                } else if missing.records > 0, fields.count == 4 {
                    missing.records -= 1
                    test?.records.append(TLSARecord(usage: UInt8(numbers[0]), selector: UInt8(numbers[1]), matching: UInt8(numbers[2]),
                                                    data: octets(fields[3])))
                }
            }
        }
        return cases
    }

    private static func octets(_ text: Substring) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
