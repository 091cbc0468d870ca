import Foundation
import MailAuth
import Testing

@Suite("Authentication-Results: the authres suite", .enabled(if: Suites.has("authres"), "the conformance suites are not here"))
struct AuthenticationResultsSuiteTests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        struct Property: Decodable, Sendable { let type: String; let name: String; let value: String }
        struct Method: Decodable, Sendable {
            let method: String
            let version: String?
            let result: String
            let reason: String?
            let properties: [Property]
        }
        let header: String
        let authserv_id: String?
        let version: String?
        let results: [Method]?
        let error: String?
        var testDescription: String { header }
        var body: String { String(header.drop { $0 != ":" }.dropFirst()) }
    }

    static func cases() throws -> [Case] { try JSONDecoder().decode([Case].self, from: Suites.data("authres/authres-doctests.json")) }

    @Test(arguments: try cases()) func field(test: Case) throws {
        guard test.error == nil else {
            #expect(throws: AuthenticationResultsError.self) { try AuthenticationResults(parsing: test.body) }
            return
        }
        let found = try AuthenticationResults(parsing: test.body)
        #expect(found.service == test.authserv_id)
        #expect(found.version.map(String.init) == test.version)
        let expected = (test.results ?? []).map { method in
            AuthenticationResults.Method(method.method, method.result, version: method.version.flatMap { Int($0) }, reason: method.reason,
                                         method.properties.map { .init($0.type, $0.name, $0.value) })
        }
        #expect(found.methods == expected)
        #expect(try AuthenticationResults(parsing: found.body) == found, "what is written reads back")
    }
}
