/// A JSON text, read (RFC 8259).
///
/// The smallest reader that a zone file needs; members keep their order and appear once.
enum JSONValue: Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// A name and its value.
    struct Member: Equatable {
        let name: String
        let value: JSONValue
    }

    /// Reads one JSON text; nothing but white space may follow it.
    init(parsing text: [UInt8]) throws(ZoneError) {
        var reader = JSONReader(text)
        self = try reader.wholeText()
    }
}

/// Walks over the octets of a JSON text.
private struct JSONReader {
    private let text: [UInt8]
    private var position = 0
    /// A zone is three levels deep; the limit bounds the recursion.
    private static let maxDepth = 16

    init(_ text: [UInt8]) { self.text = text }

    mutating func wholeText() throws(ZoneError) -> JSONValue {
        let value = try value(depth: 0)
        skipWhiteSpace()
        guard position == text.count else { throw failure("nothing more after the end of the JSON text") }
        return value
    }

    private mutating func value(depth: Int) throws(ZoneError) -> JSONValue {
        guard depth < JSONReader.maxDepth else { throw failure("fewer nested values") }
        skipWhiteSpace()
        switch current {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case let octet? where octet == UInt8(ascii: "-") || (0x30...0x39).contains(octet): return .number(try number())
        default: break
        }
        for (word, value) in [("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null)]
        where text[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return value
        }
        throw failure("a JSON value")
    }

    private mutating func object(depth: Int) throws(ZoneError) -> JSONValue {
        var members: [JSONValue.Member] = []
        var names: Set<String> = []
        try items(until: UInt8(ascii: "}")) { reader throws(ZoneError) in
            guard reader.current == UInt8(ascii: "\"") else { throw reader.failure("a name in quotes") }
            let start = reader.position
            let name = try reader.string()
            guard names.insert(name).inserted else {
                reader.position = start
                throw reader.failure("every name once; \"\(name)\" is there twice")
            }
            reader.skipWhiteSpace()
            guard reader.current == UInt8(ascii: ":") else { throw reader.failure("':'") }
            reader.position += 1
            members.append(.init(name: name, value: try reader.value(depth: depth + 1)))
        }
        return .object(members)
    }

    private mutating func array(depth: Int) throws(ZoneError) -> JSONValue {
        var values: [JSONValue] = []
        try items(until: UInt8(ascii: "]")) { reader throws(ZoneError) in
            values.append(try reader.value(depth: depth + 1))
        }
        return .array(values)
    }

    /// Reads items between commas, from the opening bracket to behind the closing one.
    private mutating func items(until end: UInt8,
                                _ item: (inout JSONReader) throws(ZoneError) -> Void) throws(ZoneError) {
        position += 1
        skipWhiteSpace()
        if current == end { position += 1; return }
        while true {
            skipWhiteSpace()
            try item(&self)
            skipWhiteSpace()
            if current == end { position += 1; return }
            guard current == UInt8(ascii: ",") else { throw failure("',' or '\(Character(Unicode.Scalar(end)))'") }
            position += 1
        }
    }

    private mutating func number() throws(ZoneError) -> Double {
        let start = position
        while let octet = current, octet == UInt8(ascii: "-") || octet == UInt8(ascii: "+") || octet == UInt8(ascii: ".")
            || octet | 0x20 == UInt8(ascii: "e") || (0x30...0x39).contains(octet) { position += 1 }
        let digits = String(decoding: text[start..<position], as: UTF8.self)
        guard let number = Double(digits), number.isFinite else {
            position = start
            throw failure("a number")
        }
        return number
    }

    private mutating func string() throws(ZoneError) -> String {
        position += 1
        var octets: [UInt8] = []
        while let octet = current {
            position += 1
            switch octet {
            case UInt8(ascii: "\""):
                guard let string = String(validating: octets, as: UTF8.self) else { throw failure("UTF-8") }
                return string
            case UInt8(ascii: "\\"):
                octets.append(contentsOf: String(Character(try escaped())).utf8)
            case 0..<0x20:
                throw failure("no control characters in a string")
            default:
                octets.append(octet)
            }
        }
        throw failure("'\"' at the end of the string")
    }

    private mutating func escaped() throws(ZoneError) -> Unicode.Scalar {
        guard let octet = current else { throw failure("an escaped character") }
        position += 1
        switch octet {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(octet)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw failure("one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u")
        }
        let unit = try hexadecimalUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        // What is no scalar is half of a surrogate pair (RFC 8259 §7).
        guard unit < 0xdc00, current == UInt8(ascii: "\\") else { throw failure("a surrogate pair") }
        position += 1
        guard current == UInt8(ascii: "u") else { throw failure("a surrogate pair") }
        position += 1
        let low = try hexadecimalUnit()
        guard (0xdc00..<0xe000).contains(low),
              let scalar = Unicode.Scalar(0x10000 + (UInt32(unit) - 0xd800) << 10 + (UInt32(low) - 0xdc00)) else {
            throw failure("a surrogate pair")
        }
        return scalar
    }

    private mutating func hexadecimalUnit() throws(ZoneError) -> UInt16 {
        let digits = text[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
              let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16) else {
            throw failure("four hexadecimal digits")
        }
        position += 4
        return unit
    }

    private var current: UInt8? { position < text.count ? text[position] : nil }

    private mutating func skipWhiteSpace() {
        while let octet = current, octet == 0x20 || octet == 0x0a || octet == 0x0d || octet == 0x09 { position += 1 }
    }

    private func failure(_ expected: String) -> ZoneError {
        let line = text[..<min(position, text.count)].count { $0 == 0x0a } + 1
        return ZoneError(place: "line \(line)", reason: "expected \(expected)")
    }
}
