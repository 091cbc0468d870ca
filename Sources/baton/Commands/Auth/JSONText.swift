/// A JSON value that a command prints; members keep their order.
indirect enum JSONText {
    case null
    case text(String)
    case number(Int)
    case list([JSONText])
    case object([(String, JSONText)])
    /// Text that is JSON already.
    case raw([UInt8])

    /// `text`, or null where there is none.
    static func optional(_ text: String?) -> JSONText { text.map(JSONText.text) ?? .null }

    /// Appends the value in one line.
    func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .number(let number): bytes.append(contentsOf: String(number).utf8)
        case .text(let text): JSONText.append(text, to: &bytes)
        case .raw(let raw): bytes.append(contentsOf: raw)
        case .list(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONText.append(member.0, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.1.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for octet in text.utf8 {
            switch octet {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(octet)
            case 0..<0x20, 0x7f:
                bytes.append(contentsOf: "\\u00".utf8)
                for digit in [octet >> 4, octet & 15] { bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
            default: bytes.append(octet)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
