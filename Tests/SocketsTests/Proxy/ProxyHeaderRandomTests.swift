import Ports
import Testing

@testable import Sockets

/// Repeatable random numbers (SplitMix64).
private struct Mixer {
    var state: UInt64

    mutating func next(below bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return Int((z ^ z >> 31).multipliedFullWidth(by: UInt64(bound)).high)
    }
}

@Suite("PROXY protocol, damaged at random")
struct ProxyHeaderRandomTests {
    private static let samples: [[UInt8]] = [
        Array("PROXY TCP4 192.0.2.7 198.51.100.9 51234 25\r\nEHLO x\r\n".utf8),
        Array("PROXY TCP6 2001:db8::7 2001:db8::9 51234 25\r\n".utf8),
        Array("PROXY UNKNOWN\r\n".utf8),
        ProxyHeader.binarySignature + [0x21, 0x11, 0, 19, 192, 0, 2, 7, 198, 51, 100, 9, 200, 34, 0, 25, 3, 0, 4, 0x20, 0x8e, 0x81, 0x0f],
        ProxyHeader.binarySignature + [0x21, 0x21, 0, 36] + [UInt8](repeating: 0x20, count: 36),
        ProxyHeader.binarySignature + [0x20, 0x00, 0, 7, 1, 0, 4, 0x73, 0x6d, 0x74, 0x70],
    ]

    @Test("no damage traps, and no header is longer than what came", arguments: 0..<8)
    func damage(_ seed: Int) {
        var mixer = Mixer(state: UInt64(seed))
        for _ in 0..<1000 {
            var bytes = Self.samples[mixer.next(below: Self.samples.count)]
            for _ in 0...mixer.next(below: 4) {
                let index = mixer.next(below: bytes.count)
                switch mixer.next(below: 4) {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: mixer.next(below: 256))
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(UInt8(truncatingIfNeeded: mixer.next(below: 256)), at: index)
                default: bytes.removeSubrange(index...)
                }
                if bytes.isEmpty { bytes = [0x50] }
            }
            let result = bytes.withUnsafeBytes { ProxyHeader.parse($0) }
            if case .complete(let header) = result { #expect(header.length <= bytes.count) }
            // What is refused whole is not accepted in a longer form, and what is complete stays the same with more behind it.
            let longer = (bytes + [0x0d, 0x0a, 0x20]).withUnsafeBytes { ProxyHeader.parse($0) }
            if result != .incomplete { #expect(longer == result || bytes.count <= ProxyHeader.maxLineLength && isInvalid(result)) }
        }
    }

    private func isInvalid(_ result: ProxyHeader.ParseResult) -> Bool {
        if case .invalid = result { true } else { false }
    }
}
