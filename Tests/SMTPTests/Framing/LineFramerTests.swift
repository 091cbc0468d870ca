import Testing
@testable import SMTP

@Suite struct LineFramerTests {
    /// The lines found when `text` comes in pieces of `size`.
    private func lines(_ text: String, max: Int, by size: Int) -> [String] {
        var framer = LineFramer(lineOctetsMax: max)
        var buffer: [UInt8] = []
        var found: [String] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            buffer += bytes[start..<min(start + size, bytes.count)]
            scan: while true {
                switch buffer.withUnsafeBytes({ framer.next(in: $0) }) {
                case .incomplete(let consumed): buffer.removeFirst(consumed); break scan
                case .line(let count):
                    found.append(String(decoding: buffer[..<count], as: UTF8.self))
                    buffer.removeFirst(count + 2)
                case .bareLineFeed(let count):
                    found.append("LF:" + String(decoding: buffer[..<count], as: UTF8.self))
                    buffer.removeFirst(count + 1)
                case .tooLong(let consumed): found.append("long"); buffer.removeFirst(consumed)
                }
            }
            #expect(buffer.count < max)
        }
        return found
    }

    @Test("Lines do not depend on how the input is cut")
    func cuts() {
        let text = "EHLO a\r\n\r\nbare\nlonger than it may\r\nfits in\r\nover it\r\n\rx\r\n"
        for size in 1...text.utf8.count {
            #expect(lines(text, max: 9, by: size) == ["EHLO a", "", "LF:bare", "long", "fits in", "over it", "\rx"], "\(size)")
        }
        #expect(lines("12345678\r\n", max: 9, by: 10) == ["long"])
        #expect(lines("12345678\r\n", max: 9, by: 1) == ["long"])
    }
}
