import Foundation
import MailAuth
import MessageFormat
import Ports
import Testing

@Suite("SRS: vectors of others", .enabled(if: Suites.has("srs"), "the conformance suites are not here"))
struct SRSSuiteTests {
    struct Vectors: Decodable, Sendable {
        struct Forward: Decodable, Sendable { let address: String; let alias: String; let forward: String; let secret: [String] }
        struct Reverse: Decodable, Sendable { let address: String; let reverse: String; let secret: [String] }
        let forward: [Forward]
        let reverse: [Reverse]
    }

    static let now = Timestamp(seconds: 1_577_836_860)
    static let limits = AddressLimits(localPart: 200)

    static func vectors() throws -> Vectors { try JSONDecoder().decode(Vectors.self, from: Suites.data("srs/vectors.json")) }

    @Test(arguments: try vectors().forward) func forward(vector: Vectors.Forward) throws {
        let srs = try #require(SRS(domain: Domain(parsing: vector.alias), secrets: vector.secret.map { Array($0.utf8) }))
        let sender = try EmailAddress(parsing: vector.address, limits: SRSSuiteTests.limits)
        let found = try #require(srs.forward(sender, at: SRSSuiteTests.now))
        // Domains are in lower case here, whatever the sender wrote.
        #expect(found.description.lowercased() == vector.forward.lowercased())
        #expect(found.localPart.prefix(9) == vector.forward.prefix(9), "the hash keeps its case")
        let back = srs.reverse(found, at: SRSSuiteTests.now)
        guard case .address(let original) = back else { throw Wrong(back: back) }
        let isSecondHop = vector.address.hasPrefix("SRS1")
        // The bounce of a second hop goes to the first, past those between.
        let expected = isSecondHop ? "SRS0=4dQ+=2W=first.example=alice@second.example" : sender.description
        #expect(original.description == expected)
    }

    struct Wrong: Error { let back: SRS.Reversal }

    @Test(arguments: try vectors().reverse) func reverse(vector: Vectors.Reverse) throws {
        let address = try EmailAddress(parsing: vector.address, limits: SRSSuiteTests.limits)
        let domain = try #require(address.domain)
        let srs = try #require(SRS(domain: domain, secrets: vector.secret.map { Array($0.utf8) }))
        #expect(srs.reverse(address, at: SRSSuiteTests.now) == .address(try EmailAddress(parsing: vector.reverse)))
    }
}
