/// Writes fields as one line of JSON (RFC 8259): the only way from event text into JSON.
public struct JSONLine {
    /// The line so far, without a line end.
    public private(set) var bytes: [UInt8] = []

    /// The object of these fields in one line.
    public static func object(_ fields: [EventField]) -> [UInt8] {
        var line = JSONLine()
        line.write(fields, depth: 0)
        return line.bytes
    }

    // Deeper values are no event of ours.
    private static let maxDepth = 16

    private mutating func write(_ fields: [EventField], depth: Int) {
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        for field in fields {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            write(field.name)
            bytes.append(UInt8(ascii: ":"))
            write(field.value, depth: depth + 1)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func write(_ value: EventValue, depth: Int) {
        guard depth < JSONLine.maxDepth else { return bytes.append(contentsOf: "null".utf8) }
        switch value {
        case .text(let text): write(text)
        case .number(let number): bytes.append(contentsOf: String(number).utf8)
        case .flag(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
        case .list(let values):
            bytes.append(UInt8(ascii: "["))
            var isFirst = true
            for value in values {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                write(value, depth: depth + 1)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let fields): write(fields, depth: depth)
        }
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            case "\n": bytes.append(contentsOf: "\\n".utf8)
            case "\r": bytes.append(contentsOf: "\\r".utf8)
            case "\t": bytes.append(contentsOf: "\\t".utf8)
            default:
                if TextSafety.mustEscape(scalar) {
                    escape(scalar)
                } else {
                    bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ scalar: Unicode.Scalar) {
        for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
            bytes.append(contentsOf: "\\u".utf8)
            for shift: UInt16 in [12, 8, 4, 0] { bytes.append(TextSafety.hexDigit(unit >> shift & 15)) }
        }
    }
}
