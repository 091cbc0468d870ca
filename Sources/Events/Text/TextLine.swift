/// Writes fields as one readable line, `name=value` by `name=value`: the only way from event text into a text log.
public struct TextLine {
    /// The line so far, without a line end.
    public private(set) var bytes: [UInt8] = []

    /// The fields in one line.
    public static func fields(_ fields: [EventField]) -> [UInt8] {
        var line = TextLine()
        line.write(fields, prefix: "")
        return line.bytes
    }

    private mutating func write(_ fields: [EventField], prefix: String) {
        for field in fields { write(prefix + field.name, field.value, depth: 0) }
    }

    private mutating func write(_ name: String, _ value: EventValue, depth: Int) {
        guard depth < 16 else { return }
        switch value {
        case .text(let text):
            begin(name)
            write(text)
        case .number(let number):
            begin(name)
            bytes.append(contentsOf: String(number).utf8)
        case .flag(let flag):
            begin(name)
            bytes.append(contentsOf: (flag ? "yes" : "no").utf8)
        case .list(let values):
            for value in values { write(name, value, depth: depth + 1) }
        case .object(let fields):
            for field in fields { write(field.name, field.value, depth: depth + 1) }
        }
    }

    private mutating func begin(_ name: String) {
        if !bytes.isEmpty { bytes.append(0x20) }
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: "="))
    }

    private mutating func write(_ text: String) {
        let isPlain = !text.isEmpty && text.unicodeScalars.allSatisfy { scalar in
            scalar != " " && scalar != "\"" && scalar != "\\" && scalar != "=" && !TextSafety.mustEscape(scalar)
        }
        if isPlain { return bytes.append(contentsOf: text.utf8) }
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" {
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            } else if TextSafety.mustEscape(scalar) {
                bytes.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".utf8)
            } else {
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
