/// How much a message may change on its way without breaking a signature (RFC 6376 §3.4).
public enum Canonicalization: String, Hashable, Sendable, CaseIterable {
    /// Next to nothing (RFC 6376 §3.4.1, §3.4.3).
    case simple
    /// White space, and the case and folds of header fields (RFC 6376 §3.4.2, §3.4.4).
    case relaxed

    /// Appends the canonical form of one header field, its final CRLF included.
    ///
    /// `lines` is the field as it stands in the message, with or without its final line end.
    public func appendField(_ lines: ArraySlice<UInt8>, to output: inout [UInt8]) {
        switch self {
        case .simple:
            output.append(contentsOf: lines)
            if lines.last != 0x0a { output.append(contentsOf: [0x0d, 0x0a]) }
        case .relaxed:
            Canonicalization.appendRelaxed(lines, to: &output)
        }
    }

    private static func appendRelaxed(_ lines: ArraySlice<UInt8>, to output: inout [UInt8]) {
        lines.withUnsafeBufferPointer { octets in
            output.reserveCapacity(output.count + octets.count + 2)
            var index = 0
            while index < octets.count, octets[index] != 0x3a {
                let octet = octets[index]
                if !octet.isRelaxedAway { output.append(octet &- 0x41 < 26 ? octet | 0x20 : octet) }
                index += 1
            }
            output.append(0x3a)
            index += 1
            var hasText = false
            while index < octets.count {
                let octet = octets[index]
                if octet.isRelaxedAway {
                    // CR and LF are folds only as a pair, but a lone one is not part of any valid field either.
                    let start = index
                    while index < octets.count, octets[index].isRelaxedAway { index += 1 }
                    let isBlank = octets[start..<index].contains { $0 == 0x20 || $0 == 0x09 }
                    if isBlank, hasText, index < octets.count { output.append(0x20) }
                } else {
                    hasText = true
                    output.append(octet)
                    index += 1
                }
            }
            output.append(contentsOf: [0x0d, 0x0a])
        }
    }
}

extension UInt8 {
    /// Whether this is white space or part of a line end.
    fileprivate var isRelaxedAway: Bool { self == 0x20 || self == 0x09 || self == 0x0d || self == 0x0a }
}
