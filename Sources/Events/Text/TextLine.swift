/// Writes fields as one readable line, `name=value` by `name=value`: the only way from event text into a text log.
public struct TextLine {
    private var bytes: [UInt8] = []
    private var isFirst = true
    /// The name of the list that is open.
    private var listName: StaticString = ""

    /// The fields in one line.
    public static func fields(_ fields: [EventField]) -> [UInt8] {
        var line = TextLine()
        for field in fields { line.write(field.name, field.value, depth: 0) }
        return line.bytes
    }

    /// Appends the event as one line to `bytes`, without a line end.
    public static func append(_ event: MailEvent, envelope: Envelope?, to bytes: inout [UInt8]) {
        var line = TextLine()
        swap(&line.bytes, &bytes)
        event.write(to: &line, envelope: envelope)
        swap(&line.bytes, &bytes)
    }

    private mutating func begin(_ name: StaticString) {
        separate()
        bytes.append(text: name)
        bytes.append(UInt8(ascii: "="))
    }

    private mutating func separate() {
        if !isFirst { bytes.append(0x20) }
        isFirst = false
    }

    // MARK: Fields as values

    private mutating func write(_ name: String, _ value: EventValue, depth: Int) {
        guard depth < 16 else { return }
        switch value {
        case .text(let text):
            begin(name)
            let start = bytes.count
            bytes.append(contentsOf: text.utf8)
            quoteIfNeeded(from: start)
        case .number(let number):
            begin(name)
            bytes.append(decimal: number)
        case .flag(let flag):
            begin(name)
            bytes.append(text: flag ? "yes" : "no")
        case .list(let values):
            for value in values { write(name, value, depth: depth + 1) }
        case .object(let fields):
            for field in fields { write(field.name, field.value, depth: depth + 1) }
        }
    }

    private mutating func begin(_ name: String) {
        separate()
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: "="))
    }

    // MARK: Escaping

    /// Puts what stands behind `start` into quotes, unless it is a plain word.
    private mutating func quoteIfNeeded(from start: Int) {
        let isWord = start < bytes.count && bytes[start...].allSatisfy { octet in
            octet > 0x20 && octet < 0x7f && octet != UInt8(ascii: "\"") && octet != UInt8(ascii: "\\") && octet != UInt8(ascii: "=")
        }
        if !isWord { quote(from: start) }
    }

    private mutating func quote(from start: Int) {
        let text = String(decoding: bytes[start...], as: UTF8.self)
        bytes.removeLast(bytes.count - start)
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

extension TextLine: FieldSink {
    mutating func text(_ name: StaticString, _ append: (inout [UInt8]) -> Void) {
        begin(name)
        let start = bytes.count
        append(&bytes)
        quoteIfNeeded(from: start)
    }

    mutating func number(_ name: StaticString, _ value: Int64) {
        begin(name)
        bytes.append(decimal: value)
    }

    mutating func flag(_ name: StaticString, _ value: Bool) {
        begin(name)
        bytes.append(text: value ? "yes" : "no")
    }

    mutating func beginList(_ name: StaticString) { listName = name }
    mutating func element(_ append: (inout [UInt8]) -> Void) { text(listName, append) }
    mutating func beginObject() {}
    mutating func endObject() {}
    mutating func endList() {}
}

extension [UInt8] {
    /// Appends text that is part of the program.
    mutating func append(text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a whole number.
    mutating func append(decimal number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        let start = count
        repeat {
            append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        self[start...].reverse()
    }
}
