/// The bytes of the message that a report is about, and how much of them can go back.
struct OriginalContent {
    private let bytes: [UInt8]
    /// Whether every line ends in CRLF, has at most 998 octets, and no NUL or bare CR occurs.
    let isText: Bool
    /// Whether octets above 127 occur.
    let isEightBit: Bool

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var isText = true
        var isEightBit = false
        var width = 0
        var previous: UInt8 = 0
        for octet in bytes {
            if octet == 0x0a {
                if previous != 0x0d { isText = false }
                width = 0
            } else {
                if previous == 0x0d || octet == 0 { isText = false }
                if octet >= 0x80 { isEightBit = true }
                width += 1
                // The CR of the line end is among the 999.
                if width > 999 { isText = false }
            }
            previous = octet
        }
        self.isText = isText && previous != 0x0d
        self.isEightBit = isEightBit
    }

    /// Whether the header section has UTF-8 beyond ASCII: such a message is message/global (RFC 6532 §3.7).
    var hasUTF8Header: Bool {
        guard isEightBit else { return false }
        let header = header
        return header.contains { $0 >= 0x80 } && String(validating: header, as: UTF8.self) != nil
    }

    /// The header section with CRLF line ends; fields that would not pass as text are left out.
    func safeHeader(eightBit: Bool) -> [UInt8] {
        guard let section = try? HeaderSection(scanning: bytes) else { return [] }
        var safe: [UInt8] = []
        for field in section.fields {
            let lines = bytes[field.lines]
            let content = OriginalContent(Array(lines))
            guard content.isText, eightBit || !content.isEightBit, !content.isEightBit || String(validating: lines, as: UTF8.self) != nil,
                  lines.last == 0x0a else { continue }
            safe.append(contentsOf: lines)
        }
        return safe
    }

    private var header: ArraySlice<UInt8> {
        guard let section = try? HeaderSection(scanning: bytes) else { return bytes[...] }
        return bytes[..<section.end]
    }
}
