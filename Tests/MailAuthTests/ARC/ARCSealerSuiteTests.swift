import DNS
import Foundation
import MailAuth
import MessageFormat
import Ports
import Testing

@Suite("ARC sealing", .enabled(if: Suites.has("arc-valimail"), "the suites are not here"))
struct ARCSealerSuiteTests {
    /// A tag of the field named `name` at the top of `fields`, without white space.
    static func tags(_ name: HeaderName, _ fields: [UInt8]) throws -> TagList {
        let header = try MessageHeader(scanning: fields)
        let field = try #require(header.fields(name).first)
        return try TagList(parsing: header.body(of: field))
    }

    static func value(_ name: String, _ tags: TagList) -> String? {
        tags[name].map { String(decoding: $0.filter { ![0x20, 0x09, 0x0d, 0x0a].contains($0) }, as: UTF8.self) }
    }

    @Test func signing() throws {
        var count = 0
        for scenario in try ARCSuiteTests.scenarios("arc-draft-sign-tests.yml") {
            let pem = try #require(scenario.values["privatekey"] as? String)
            let key = try SigningKey(pem: Array(pem.utf8))
            let domain = try Domain(parsing: try #require(scenario.values["domain"] as? String))
            let selector = try #require(scenario.values["sel"] as? String)
            for (name, fields) in scenario.tests {
                count += 1
                let message = ARCSuiteTests.octets(try #require(fields["message"] as? String))
                let names = try #require(fields["sig-headers"] as? String).split(separator: ":").compactMap { HeaderName(parsing: $0) }
                let sealer = ARCSealer(domain: domain, selector: selector, key: key, signedFields: names)
                let bodies = BodyHashes()
                let hash = sealer.request(bodies)
                var splitter = MessageSplitter()
                let progress = message.withUnsafeBytes { splitter.receive($0) }
                guard case .complete(let start) = progress else { Issue.record("\(name): no body"); continue }
                bodies.receive(message[start...])
                bodies.finish()
                let header = try MessageHeader(scanning: splitter.header)
                let chain = try ARCSuiteTests.verify(message, scenario.zone)
                let time = Timestamp(seconds: Int64(try #require(fields["t"] as? Int)))
                let results = ARCSealer.results(of: try #require(fields["srv-id"] as? String), in: header)
                let expected = fields["AS"] as? String ?? ""
                guard !expected.isEmpty else {
                    #expect(throws: ARCSealer.Failure.chainIsClosed, "\(name)") {
                        try sealer.seal(header, bodyHash: bodies.value(hash).hash, chain: chain, results: results, at: time)
                    }
                    continue
                }
                let sealed = try sealer.seal(header, bodyHash: bodies.value(hash).hash, chain: chain, results: results, at: time)
                // The suite's order of tags is ours, so that even the message signatures are the same. Those of the seals
                // are not: they cover the folds within the message signature, which the suite does without.
                for (field, text) in [(HeaderName.arcSeal, expected), (.arcMessageSignature, fields["AMS"] as? String ?? "")] {
                    let made = try Self.tags(field, sealed)
                    let wanted = try TagList(parsing: Array(text.utf8))
                    for tag in wanted.tags where field != .arcSeal || tag.name != "b" { #expect(Self.value(tag.name, made) == Self.value(tag.name, wanted), "\(name): \(field) \(tag.name)=") }
                }
                if chain.result != .fail { #expect(try ARCSuiteTests.verify(sealed + message, scenario.zone).result == .pass, "\(name)") }
            }
        }
        #expect(count == 17)
    }
}
