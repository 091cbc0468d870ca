/// The base64 encoding without line ends (RFC 4648 §4).
enum Base64 {
    /// Appends `octets` in base64, padded.
    static func append(_ octets: [UInt8], to output: inout [UInt8]) {
        var index = 0
        while index < octets.count {
            let left = octets.count - index
            let second = left > 1 ? octets[index + 1] : 0
            let third = left > 2 ? octets[index + 2] : 0
            let bits = UInt32(octets[index]) << 16 | UInt32(second) << 8 | UInt32(third)
            output.append(symbol(bits >> 18))
            output.append(symbol(bits >> 12))
            output.append(left > 1 ? symbol(bits >> 6) : 0x3d)
            output.append(left > 2 ? symbol(bits) : 0x3d)
            index += 3
        }
    }

    private static func symbol(_ bits: UInt32) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: bits & 63)
        switch value {
        case 0..<26: return 0x41 &+ value
        case 26..<52: return 0x61 &+ value &- 26
        case 52..<62: return 0x30 &+ value &- 52
        case 62: return 0x2b
        default: return 0x2f
        }
    }
}
