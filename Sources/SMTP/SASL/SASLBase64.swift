/// Base64 as AUTH uses it: padded, without line ends, and strict (RFC 4648 §4, RFC 4954 §4).
public enum SASLBase64 {
    /// The octets that `text` stands for; nil when it is not exactly their base64.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        var octets: [UInt8] = []
        octets.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        var bitCount = 0
        var padding = 0
        for symbol in text {
            if symbol == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            // Nothing may follow the padding.
            guard padding == 0, let value = value(of: symbol) else { return nil }
            bits = bits << 6 | value
            bitCount += 6
            guard bitCount >= 8 else { continue }
            bitCount -= 8
            octets.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
            bits &= (1 << UInt32(bitCount)) - 1
        }
        // One text for one value: the bits left over are the padding's, and zero (RFC 4648 §3.5).
        let expected = bitCount == 0 ? 0 : bitCount / 2
        guard padding == expected, bits == 0 else { return nil }
        return octets
    }

    /// `octets` in base64.
    public static func encode(_ octets: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((octets.count + 2) / 3 * 4)
        var index = 0
        while index < octets.count {
            let left = octets.count - index
            var bits = UInt32(octets[index]) << 16
            if left > 1 { bits |= UInt32(octets[index + 1]) << 8 }
            if left > 2 { bits |= UInt32(octets[index + 2]) }
            text.append(symbol(bits >> 18))
            text.append(symbol(bits >> 12))
            text.append(left > 1 ? symbol(bits >> 6) : UInt8(ascii: "="))
            text.append(left > 2 ? symbol(bits) : UInt8(ascii: "="))
            index += 3
        }
        return text
    }

    private static func value(of symbol: UInt8) -> UInt32? {
        switch symbol {
        case 0x41...0x5a: UInt32(symbol) - 0x41
        case 0x61...0x7a: UInt32(symbol) - 0x61 + 26
        case 0x30...0x39: UInt32(symbol) - 0x30 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    private static func symbol(_ bits: UInt32) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: bits & 63)
        return switch value {
        case 0..<26: 0x41 &+ value
        case 26..<52: 0x61 &+ value &- 26
        case 52..<62: 0x30 &+ value &- 52
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
}
