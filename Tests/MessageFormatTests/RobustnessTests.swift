import Foundation
import MessageFormat
import Testing

/// Damaged input, from a seed: nothing traps, nothing unsafe comes out.
@Suite struct RobustnessTests {
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
            return value ^ value >> 31
        }
    }

    private static let original: [UInt8] = {
        var file = URL(fileURLWithPath: #filePath)
        for _ in 0..<2 { file.deleteLastPathComponent() }
        return (try? Array(Data(contentsOf: file.appendingPathComponent("Fixtures/report/failed.eml")))) ?? []
    }()

    @Test(arguments: 0..<300 as Range<UInt64>)
    func damagedReports(seed: UInt64) throws {
        var random = Seeded(state: seed)
        var bytes = RobustnessTests.original
        #expect(!bytes.isEmpty)
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert([0x0a, 0x0d, 0x22, 0x28, 0x5c, 0x00, 0x3b].randomElement(using: &random) ?? 0, at: index)
            default: bytes.insert(contentsOf: bytes[index..<min(index + 60, bytes.count)], at: Int.random(in: 0..<bytes.count, using: &random))
            }
        }
        guard let report = try? ReceivedReport(parsing: bytes.span) else { return }
        // What was read can be written, and read again.
        let content = report.status.content(.ascii)
        #expect(!content.contains { $0 < 0x20 && $0 != 0x0d && $0 != 0x0a })
        let again = try DeliveryStatusReport(parsing: content.span)
        #expect(again.recipients.count == report.status.recipients.count)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func randomTokens(seed: UInt64) {
        var random = Seeded(state: seed)
        let alphabet = ["(", ")", "\\", "\"", "/", ";", "=", " ", "\r\n ", "a", "text", "boundary", "Jan", "21", "2026", ":", "+0000", "é", "\0", ",", "<", ">", "@", "[", "]", "."]
        for _ in 0..<50 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "" }.joined()
            _ = ContentType(parsing: text)
            _ = DateTime(parsing: text)
            _ = StatusCode(parsing: text)
            if let address = try? EmailAddress(parsing: text) { #expect((try? EmailAddress(parsing: address.description)) == address) }
            if let path = try? PathParser().reversePath(text) { #expect((try? PathParser().reversePath(path.description)) == path) }
        }
    }
}
