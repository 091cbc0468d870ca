import Foundation
import MessageFormat
import Ports
@testable import SMTP
import Testing

/// The suite smtp-smuggling: both of its rules, over DATA and BDAT, in SMTP and LMTP.
@Suite(.enabled(if: Suites.has("smtp-smuggling"), "suite smtp-smuggling is absent: set BATON_SUITES"))
struct SmugglingSuiteTests {
    struct File: Decodable { var sequences: [Sequence] }
    struct Sequence: Decodable { var text: String; var hex: String }

    private func sequences() throws -> [(String, [UInt8])] {
        let file = try JSONDecoder().decode(File.self, from: Suites.data("smtp-smuggling/sequences.json"))
        #expect(file.sequences.count == 12)
        return file.sequences.map { sequence in
            let digits = Array(sequence.hex)
            return (sequence.text, stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) })
        }
    }

    private func message(_ sequence: [UInt8]) -> [UInt8] {
        Array("From: alice@example.org\r\nSubject: x\r\n\r\nfirst body".utf8) + sequence
            + Array("""
                MAIL FROM:<admin@example.org>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\nFrom: admin@example.org\r\n\
                Subject: smuggled\r\n\r\nsmuggled body
                """.utf8)
    }

    @Test("Inbound: one message or a refusal", arguments: [Dialect.smtp, .lmtp])
    func inbound(dialect: Dialect) throws {
        for (name, sequence) in try sequences() {
            for size in [1, 2, 3, 7, 100_000] {
                for usesChunks in [false, true] {
                    var settings = ServerSettings()
                    settings.dialect = dialect
                    let host = ScriptedHost(settings)
                    host.run()
                    for line in [dialect == .lmtp ? "LHLO client.example" : "EHLO client.example", "MAIL FROM:<alice@example.org>", "RCPT TO:<bob@example.net>"] {
                        _ = host.send(line)
                    }
                    let body = message(sequence) + [0x0d, 0x0a]
                    let wire = usesChunks ? Array("BDAT \(body.count) LAST\r\n".utf8) + body
                        : Array("DATA\r\n".utf8) + body + Array(".\r\n".utf8)
                    for start in stride(from: 0, to: wire.count, by: size) { host.feed(wire[start..<min(start + size, wire.count)]) }
                    let said = host.takeOutput()
                    let last = said.split(separator: "\r\n").last ?? ""
                    #expect(host.stored.count + (last.hasPrefix("5") ? 1 : 0) == 1, "\(name): \(said)")
                    #expect(host.stored.allSatisfy { $0.mail.reversePath.description == "<alice@example.org>" }, "\(name)")
                    #expect(!host.isInTransaction, "\(name)")
                }
            }
        }
    }

    @Test("Outbound: no bare CR or LF and one end")
    func outbound() throws {
        for (name, sequence) in try sequences() {
            for ending in ["", "\r\n"] {
                let body = message(sequence) + Array(ending.utf8)
                for cut in 0...body.count {
                    var encoder = DotEncoder()
                    var wire: [UInt8] = []
                    encoder.encode(body[..<cut], into: &wire)
                    encoder.encode(body[cut...], into: &wire)
                    encoder.finish(into: &wire)
                    var decoder = DataDecoder()
                    var decoded: [UInt8] = []
                    let used = wire.withUnsafeBytes { decoder.decode($0, into: &decoded) }
                    #expect(decoder.isFinished && used == wire.count, "\(name)")
                    #expect(decoder.findings.isDisjoint(with: [.bareCR, .bareLF]), "\(name)")
                }
            }
        }
    }
}
