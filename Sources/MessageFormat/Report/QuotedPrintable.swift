/// The quoted-printable encoding of text (RFC 2045 §6.7).
enum QuotedPrintable {
    /// Encodes `lines`, which hold no line ends, ending each in CRLF and none over 76 octets.
    static func encode(_ lines: [[UInt8]]) -> [UInt8] {
        var output: [UInt8] = []
        for line in lines {
            var width = 0
            for (index, octet) in line.enumerated() {
                let isLast = index == line.count - 1
                // A blank at the end of a line would be lost on the way.
                let isPlain = (octet.isWhitespace && !isLast) || (OctetClass.visible.contains(octet) && octet != 0x3d)
                let count = isPlain ? 1 : 3
                if width + count > (isLast ? 76 : 75) {
                    output.append(contentsOf: [0x3d, 0x0d, 0x0a])
                    width = 0
                }
                if isPlain {
                    output.append(octet)
                } else {
                    output.append(0x3d)
                    output.append(hex: octet)
                }
                width += count
            }
            output.append(contentsOf: [0x0d, 0x0a])
        }
        return output
    }
}
