/// Writes fields as one line of JSON (RFC 8259): the only way from event text into JSON.
public struct JSONLine {
    private var bytes: [UInt8] = []
    /// Whether a comma has to come before the next value.
    private var isFirst = true

    /// The object of these fields in one line.
    public static func object(_ fields: [EventField]) -> [UInt8] {
        var line = JSONLine()
        line.open("{")
        for field in fields { line.write(field, depth: 0) }
        line.close("}")
        return line.bytes
    }

    /// Appends the event as one object to `bytes`, without a line end.
    public static func append(_ event: MailEvent, envelope: Envelope?, to bytes: inout [UInt8]) {
        var line = JSONLine()
        swap(&line.bytes, &bytes)
        line.open("{")
        event.write(to: &line, envelope: envelope)
        line.close("}")
        swap(&line.bytes, &bytes)
    }

    private mutating func begin(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(text: name)
        bytes.append(text: "\":")
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    private mutating func open(_ bracket: StaticString) {
        bytes.append(text: bracket)
        isFirst = true
    }

    private mutating func close(_ bracket: StaticString) {
        bytes.append(text: bracket)
        isFirst = false
    }

    // MARK: Fields as values

    // Deeper values are no event of ours.
    private static let maxDepth = 16

    private mutating func write(_ field: EventField, depth: Int) {
        separate()
        quoted { $0.append(contentsOf: field.name.utf8) }
        bytes.append(UInt8(ascii: ":"))
        write(field.value, depth: depth + 1)
    }

    private mutating func write(_ value: EventValue, depth: Int) {
        guard depth < JSONLine.maxDepth else { return bytes.append(text: "null") }
        switch value {
        case .text(let text): quoted { $0.append(contentsOf: text.utf8) }
        case .number(let number): bytes.append(decimal: number)
        case .flag(let flag): bytes.append(text: flag ? "true" : "false")
        case .list(let values):
            open("[")
            for value in values {
                separate()
                write(value, depth: depth + 1)
            }
            close("]")
        case .object(let fields):
            open("{")
            for field in fields { write(field, depth: depth) }
            close("}")
        }
    }

    // MARK: Escaping

    private mutating func quoted(_ append: (inout [UInt8]) -> Void) {
        bytes.append(UInt8(ascii: "\""))
        let start = bytes.count
        append(&bytes)
        let isPlain = bytes[start...].allSatisfy { octet in
            octet >= 0x20 && octet < 0x7f && octet != UInt8(ascii: "\"") && octet != UInt8(ascii: "\\")
        }
        if !isPlain { escape(from: start) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Escapes what stands behind `start`.
    private mutating func escape(from start: Int) {
        let text = String(decoding: bytes[start...], as: UTF8.self)
        bytes.removeLast(bytes.count - start)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            case "\n": bytes.append(text: "\\n")
            case "\r": bytes.append(text: "\\r")
            case "\t": bytes.append(text: "\\t")
            default:
                if TextSafety.mustEscape(scalar) {
                    escape(scalar)
                } else {
                    bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                }
            }
        }
    }

    private mutating func escape(_ scalar: Unicode.Scalar) {
        for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
            bytes.append(text: "\\u")
            for shift: UInt16 in [12, 8, 4, 0] { bytes.append(TextSafety.hexDigit(unit >> shift & 15)) }
        }
    }
}

extension JSONLine: FieldSink {
    mutating func text(_ name: StaticString, _ append: (inout [UInt8]) -> Void) {
        begin(name)
        quoted(append)
    }

    mutating func number(_ name: StaticString, _ value: Int64) {
        begin(name)
        bytes.append(decimal: value)
    }

    mutating func flag(_ name: StaticString, _ value: Bool) {
        begin(name)
        bytes.append(text: value ? "true" : "false")
    }

    mutating func beginList(_ name: StaticString) {
        begin(name)
        open("[")
    }

    mutating func element(_ append: (inout [UInt8]) -> Void) {
        separate()
        quoted(append)
    }

    mutating func beginObject() {
        separate()
        open("{")
    }

    mutating func endObject() { close("}") }
    mutating func endList() { close("]") }
}
