/// The base64 encoding (RFC 4648 §4).
public enum Base64 {
    /// What a decoder makes of octets that RFC 4648 §3 leaves to the protocol.
    public enum Strictness: Hashable, Sendable {
        /// Exactly what an encoder writes: whole groups, padded, unused bits zero. For SASL.
        case exact
        /// Spaces, tabs and line ends anywhere, padding at will, unused bits ignored. For DKIM tags (RFC 6376 §2.10).
        case lenient
    }

    /// `octets` in base64, padded, on one line.
    public static func encode(_ octets: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        append(octets, to: &output)
        return output
    }

    /// Appends `octets` in base64, padded, on one line.
    public static func append(_ octets: [UInt8], to output: inout [UInt8]) {
        output.reserveCapacity(output.count + (octets.count + 2) / 3 * 4)
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

    /// The octets that `text` encodes; nil where it is not base64 by the rules of `strictness`.
    public static func decode(_ text: some Sequence<UInt8>, _ strictness: Strictness) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(text.underestimatedCount / 4 * 3 + 3)
        var bits: UInt32 = 0
        var symbols = 0
        var padding = 0
        for octet in text {
            let value = Base64.values[Int(octet)]
            if value < 64 {
                guard padding == 0 else { return nil }
                bits = bits << 6 | UInt32(value)
                symbols += 1
                if symbols == 4 {
                    output.append(UInt8(truncatingIfNeeded: bits >> 16))
                    output.append(UInt8(truncatingIfNeeded: bits >> 8))
                    output.append(UInt8(truncatingIfNeeded: bits))
                    bits = 0
                    symbols = 0
                }
            } else if octet == 0x3d {
                padding += 1
                guard padding <= 2, symbols > 1 else { return nil }
            } else if value == blank, strictness == .lenient {
                continue
            } else {
                return nil
            }
        }
        return finish(output, bits, symbols: symbols, padding: padding, strictness)
    }

    private static func finish(_ output: [UInt8], _ bits: UInt32, symbols: Int, padding: Int, _ strictness: Strictness) -> [UInt8]? {
        guard symbols > 0 else { return output }
        guard symbols > 1, strictness == .lenient || symbols + padding == 4, symbols + padding <= 4 else { return nil }
        let unused: UInt32 = symbols == 2 ? 0xf : 0x3
        if strictness == .exact, bits & unused != 0 { return nil }
        if symbols == 2 { return output + [UInt8(truncatingIfNeeded: bits >> 4)] }
        return output + [UInt8(truncatingIfNeeded: bits >> 10), UInt8(truncatingIfNeeded: bits >> 2)]
    }

    private static let blank: UInt8 = 64

    /// The value of each octet as a symbol; 64 for whitespace, 65 for what base64 does not have.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 65, count: 256)
        for value in 0..<64 { values[Int(symbol(UInt32(value)))] = UInt8(value) }
        for octet in [0x20, 0x09, 0x0d, 0x0a] { values[octet] = blank }
        return values
    }()

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
