/// Turns text into encoded words (RFC 2047).
public enum EncodedWord {
    /// Longest encoded word (RFC 2047 §2).
    static let maxOctets = 75

    /// `text` as encoded words with single spaces between them, in "Q" form when at most a third has to be escaped, else in "B" form.
    ///
    /// Controls become spaces. The first word fits a line that already holds `lineOctets` octets,
    /// as far as that is possible. Empty text stays empty.
    public static func encode(_ text: some StringProtocol, lineOctets: Int = 0) -> [UInt8] {
        let visible = VisibleText.from(String(text))
        var plain = 0
        var escaped = 0
        for octet in visible.utf8 {
            if OctetClass.encodedWordSafe.contains(octet) || octet == 0x20 { plain += 1 } else { escaped += 1 }
        }
        // Text that is mostly ASCII stays readable in raw form.
        let usesQ = escaped * 2 <= plain
        var output: [UInt8] = []
        var word: [UInt8] = []
        var width = 0
        var room = max(maxOctets - lineOctets, prefixOctets + 12 + 2) - prefixOctets - 2
        func close() {
            if !output.isEmpty { output.append(0x20) }
            output.append(contentsOf: (usesQ ? "=?utf-8?q?" : "=?utf-8?b?").utf8)
            if usesQ { appendQ(word, to: &output) } else { Base64.append(word, to: &output) }
            output.append(contentsOf: [0x3f, 0x3d])
            word.removeAll(keepingCapacity: true)
            width = 0
            room = maxOctets - prefixOctets - 2
        }
        for scalar in visible.unicodeScalars {
            // A character must not be split between words (RFC 2047 §5).
            let octets = Array(String(scalar).utf8)
            let added = usesQ ? qWidth(octets) : octets.count
            let total = usesQ ? width + added : (width + added + 2) / 3 * 4
            if total > room { close() }
            word += octets
            width += added
        }
        if !word.isEmpty { close() }
        return output
    }

    private static let prefixOctets = 10

    private static func qWidth(_ octets: [UInt8]) -> Int {
        var width = 0
        for octet in octets { width += OctetClass.encodedWordSafe.contains(octet) || octet == 0x20 ? 1 : 3 }
        return width
    }

    private static func appendQ(_ octets: [UInt8], to output: inout [UInt8]) {
        for octet in octets {
            if octet == 0x20 {
                output.append(0x5f)
            } else if OctetClass.encodedWordSafe.contains(octet) {
                output.append(octet)
            } else {
                output.append(0x3d)
                output.append(hex: octet)
            }
        }
    }
}

extension [UInt8] {
    /// Appends two upper-case hexadecimal digits.
    mutating func append(hex octet: UInt8) {
        func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x37 &+ value }
        append(digit(octet >> 4))
        append(digit(octet & 15))
    }
}
