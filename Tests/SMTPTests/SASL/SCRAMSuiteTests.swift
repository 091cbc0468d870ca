import Cryptography
import Foundation
import Testing
@testable import SMTP

/// The suite scram: the exchange of RFC 7677 §3, both sides.
@Suite(.enabled(if: Suites.has("scram"), "suite scram is absent: set BATON_SUITES"))
struct SCRAMSuiteTests {
    struct Example: Decodable {
        var digest: String
        var user: String
        var pass: String
        var salt64: String
        var iters: Int
        var clientNonce: String
        var serverNonce: String
        var steps: [String]
    }

    private func examples() throws -> [Example] {
        let folder = Suites.root.appending(path: "scram")
        return try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }.map {
            try JSONDecoder().decode(Example.self, from: Data(contentsOf: folder.appending(path: $0)))
        }
    }

    @Test("Each message is the example's") func exchange() throws {
        let example = try #require(try examples().first { $0.digest == "SHA-256" })
        let salt = try #require(SASLBase64.decode(Array(example.salt64.utf8)))
        let keys = try SCRAMKeys(password: Secret(example.pass), salt: salt, iterations: example.iters)
        var client = SCRAMClient(name: example.user, password: Secret(example.pass), nonce: Array(example.clientNonce.utf8))
        #expect(client.clientFirst == Array(example.steps[0].utf8))
        var server = try #require(SCRAMServer(clientFirst: client.clientFirst))
        #expect(server.name == example.user)
        let first = server.serverFirst(keys, nonce: Array(example.serverNonce.utf8))
        #expect(first == Array(example.steps[1].utf8))
        let message = client.clientFinal(serverFirst: first)
        let final = try #require(message)
        #expect(final == Array(example.steps[2].utf8))
        let (isValid, serverFinal) = try #require(server.verify(clientFinal: final))
        #expect(isValid)
        #expect(serverFinal == Array(example.steps[3].utf8))
        #expect(client.isValid(serverFinal: serverFinal))
    }
}
