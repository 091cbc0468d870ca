@testable import Events
import Glibc
import MessageFormat
import Ports
import SMTP
import Testing

/// The bytes of format 1, as a released version wrote them: every later version must read them.
@Suite struct FormatFixtureTests {
    /// Name and record; the name stands in the fixture too.
    static let records: [(name: String, kind: RecordKind, bytes: [UInt8])] = {
        var records: [(String, RecordKind, [UInt8])] = [
            ("accepted-plain", .accepted, AcceptedRecord(message: Samples.message, envelope: Samples.plain,
                                                         prefix: Array("Received: x\r\n".utf8)).encoded),
            ("accepted-full", .accepted, AcceptedRecord(message: Samples.message, envelope: Samples.full, prefix: [],
                                                        chunkSizes: [262_144, 17]).encoded),
            ("chunk", .bodyChunk, ChunkRecord(message: Samples.message, index: 300).encoded),
            ("starts", .attemptsStarted, AttemptsStartedRecord(messages: [Samples.message, QueueID(rawValue: 1)]).encoded),
        ]
        for (index, detail) in Samples.details.dropFirst().enumerated() {
            let event = MailEvent(message: Samples.message, time: Samples.time, detail: detail)
            records.append(("event-\(index)-\(detail.name)", event.kind, event.encoded))
        }
        return records
    }()

    private static let path = #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined() + "/Fixtures/records/format-1.txt"

    @Test func bytesAreThoseOfTheFixture() throws {
        let lines = try #require(FormatFixtureTests.read()).split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.count == Self.records.count)
        for (line, record) in zip(lines, Self.records) {
            #expect(line == Self.line(record), "the form of \(record.name) has changed: that needs a new version")
        }
    }

    private static func line(_ record: (name: String, kind: RecordKind, bytes: [UInt8])) -> String {
        let digits = Array("0123456789abcdef")
        let hex = record.bytes.map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined()
        return "\(record.name) \(record.kind.rawValue) \(hex)"
    }

    private static func read() -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
