import Glibc

/// Octets that framing is about.
enum Octet {
    static let nul: UInt8 = 0
    static let lf: UInt8 = 0x0a
    static let cr: UInt8 = 0x0d
    static let space: UInt8 = 0x20
    static let dot: UInt8 = 0x2e
}

extension UnsafeRawBufferPointer {
    /// The index of the first `octet` in `range`, which must lie within the buffer; nil if there is none.
    @inline(__always)
    func firstIndex(of octet: UInt8, in range: Range<Int>) -> Int? {
        guard let baseAddress, !range.isEmpty,
              let found = memchr(baseAddress + range.lowerBound, Int32(octet), range.count) else { return nil }
        return UnsafeRawPointer(found) - baseAddress
    }

    /// Whether an octet of `range`, which must lie within the buffer, has its high bit set.
    func hasHighBit(in range: Range<Int>) -> Bool {
        guard let baseAddress else { return false }
        var index = range.lowerBound
        var seen: UInt64 = 0
        while range.upperBound &- index >= 8 {
            seen |= (baseAddress + index).loadUnaligned(as: UInt64.self)
            index &+= 8
        }
        while index < range.upperBound {
            seen |= UInt64(self[index]) << 56
            index &+= 1
        }
        return seen & 0x8080_8080_8080_8080 != 0
    }
}

extension [UInt8] {
    /// Appends `range` of `input`, which must lie within it, in one piece.
    @inline(__always)
    mutating func append(_ range: Range<Int>, of input: UnsafeRawBufferPointer) {
        if !range.isEmpty { append(contentsOf: UnsafeRawBufferPointer(rebasing: input[range])) }
    }
}
