import Foundation

/// The members of one JSON object, found in its text without building values: what a batch reads a line with.
struct JSONMembers {
    /// Why a line is not the object that was expected.
    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    private let text: ArraySlice<UInt8>
    private var ranges: [String: Range<Int>] = [:]
    /// A request is two levels deep and a zone three; the limit is generous.
    private static let maxDepth = 32

    /// Reads the object in `text`; white space may surround it.
    init(_ text: ArraySlice<UInt8>) throws(Failure) {
        self.text = text
        var index = Self.skipBlanks(text, text.startIndex)
        guard index < text.endIndex, text[index] == UInt8(ascii: "{") else { throw Failure("expected a JSON object in one line") }
        index = Self.skipBlanks(text, index + 1)
        if index < text.endIndex, text[index] == UInt8(ascii: "}") {
            index += 1
        } else {
            while true {
                let nameEnd = try Self.end(ofValueIn: text, at: index)
                guard text[index] == UInt8(ascii: "\"") else { throw Failure("expected a name in quotes at octet \(index - text.startIndex)") }
                let name = try Self.string(text[index..<nameEnd])
                index = Self.skipBlanks(text, nameEnd)
                guard index < text.endIndex, text[index] == UInt8(ascii: ":") else { throw Failure("expected ':' after \"\(name)\"") }
                index = Self.skipBlanks(text, index + 1)
                let end = try Self.end(ofValueIn: text, at: index)
                guard Self.isPlausible(text[index..<end]) else { throw Failure("the value of \"\(name)\" is not JSON") }
                ranges[name] = index..<end
                index = Self.skipBlanks(text, end)
                guard index < text.endIndex else { throw Failure("the object has no end") }
                if text[index] == UInt8(ascii: "}") { index += 1; break }
                guard text[index] == UInt8(ascii: ",") else { throw Failure("expected ',' or '}' at octet \(index - text.startIndex)") }
                index = Self.skipBlanks(text, index + 1)
            }
        }
        guard Self.skipBlanks(text, index) == text.endIndex else { throw Failure("there is text after the object") }
    }

    /// Whether `value` is JSON through and through.
    static func isWellFormed(_ value: [UInt8]) -> Bool {
        let isPlain = value.first == UInt8(ascii: "\"") && value.allSatisfy { (0x20..<0x7f).contains($0) && $0 != UInt8(ascii: "\\") }
        if isPlain || isScalar(value[...]) { return true }
        return (try? JSONSerialization.jsonObject(with: Data(value), options: .fragmentsAllowed)) != nil
    }

    /// Whether a value is a string, an object or an array by its ends, or else a number or one of three words.
    private static func isPlausible(_ value: ArraySlice<UInt8>) -> Bool {
        switch value.first {
        case UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "["): true
        default: isScalar(value)
        }
    }

    /// Whether a value is a number, `true`, `false` or `null` (RFC 8259 §3, §6).
    private static func isScalar(_ value: ArraySlice<UInt8>) -> Bool {
        if value.allSatisfy({ (0x30...0x39).contains($0) }), value.first != 0x30, !value.isEmpty { return true }
        let text = String(decoding: value, as: UTF8.self)
        return ["true", "false", "null"].contains(text) || text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil
    }

    /// The text of a member's value; nil where it is missing or null.
    func raw(_ name: String) -> ArraySlice<UInt8>? {
        guard let range = ranges[name], text[range].first != UInt8(ascii: "n") else { return nil }
        return text[range]
    }

    /// The string of a member; nil where it is missing or null.
    func string(_ name: String) throws(Failure) -> String? {
        guard let value = raw(name) else { return nil }
        guard value.first == UInt8(ascii: "\"") else { throw Failure("\"\(name)\" must be a string") }
        return try Self.string(value)
    }

    /// The whole number of a member; nil where it is missing or null. Fractions are cut off.
    func integer(_ name: String) throws(Failure) -> Int64? {
        guard let value = raw(name) else { return nil }
        let digits = String(decoding: value, as: UTF8.self)
        if let number = Int64(digits) { return number }
        guard let number = Double(digits), let whole = Int64(exactly: number.rounded(.towardZero)) else { throw Failure("\"\(name)\" must be a number") }
        return whole
    }

    /// The string in `value`, quotes included.
    static func string(_ value: ArraySlice<UInt8>) throws(Failure) -> String {
        let inner = value.dropFirst().dropLast()
        let octets = inner.contains(UInt8(ascii: "\\")) ? try unescaped(inner) : Array(inner)
        guard let text = String(validating: octets, as: UTF8.self) else { throw Failure("a string is not UTF-8") }
        return text
    }

    /// The octets of the string in `value` after its escapes are resolved.
    static func unescaped(_ inner: ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(inner.count)
        var index = inner.startIndex
        while index < inner.endIndex {
            guard inner[index] == UInt8(ascii: "\\") else {
                octets.append(inner[index])
                index += 1
                continue
            }
            guard index + 1 < inner.endIndex else { throw Failure("a string ends in a backslash") }
            let letter = inner[index + 1]
            index += 2
            switch letter {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): octets.append(letter)
            case UInt8(ascii: "b"): octets.append(0x08)
            case UInt8(ascii: "f"): octets.append(0x0c)
            case UInt8(ascii: "n"): octets.append(0x0a)
            case UInt8(ascii: "r"): octets.append(0x0d)
            case UInt8(ascii: "t"): octets.append(0x09)
            case UInt8(ascii: "u"): octets.append(contentsOf: String(Character(try scalar(inner, &index))).utf8)
            default: throw Failure("a string has an unknown escape")
            }
        }
        return octets
    }

    /// The scalar of a `\u` escape whose digits begin at `index`; halves of a pair that stand alone become U+FFFD.
    private static func scalar(_ inner: ArraySlice<UInt8>, _ index: inout Int) throws(Failure) -> Unicode.Scalar {
        let unit = try codeUnit(inner, &index)
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xdc00, index + 1 < inner.endIndex, inner[index] == UInt8(ascii: "\\"), inner[index + 1] == UInt8(ascii: "u") else { return "\u{fffd}" }
        var next = index + 2
        let low = try codeUnit(inner, &next)
        guard (0xdc00..<0xe000).contains(low) else { return "\u{fffd}" }
        index = next
        return Unicode.Scalar(0x10000 + (UInt32(unit) - 0xd800) << 10 + (UInt32(low) - 0xdc00)) ?? "\u{fffd}"
    }

    private static func codeUnit(_ inner: ArraySlice<UInt8>, _ index: inout Int) throws(Failure) -> UInt16 {
        guard inner.endIndex - index >= 4, let unit = UInt16(String(decoding: inner[index..<(index + 4)], as: UTF8.self), radix: 16) else {
            throw Failure("a string has an escape without four digits")
        }
        index += 4
        return unit
    }

    private static func skipBlanks(_ text: ArraySlice<UInt8>, _ start: Int) -> Int {
        var index = start
        while index < text.endIndex, text[index] == 0x20 || text[index] == 0x09 || text[index] == 0x0d || text[index] == 0x0a { index += 1 }
        return index
    }

    /// The index after the value at `start`; brackets are counted, not recursed.
    private static func end(ofValueIn text: ArraySlice<UInt8>, at start: Int) throws(Failure) -> Int {
        var index = start
        var depth = 0
        while index < text.endIndex {
            switch text[index] {
            case UInt8(ascii: "\""):
                index = try endOfString(text, at: index)
                if depth == 0 { return index }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                guard depth <= maxDepth else { throw Failure("the value is nested too deeply") }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return index > start ? index : try missing(index - text.startIndex) }
                depth -= 1
                if depth == 0 { return index + 1 }
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0d, 0x0a:
                if depth == 0 { return index > start ? index : try missing(index - text.startIndex) }
            default: break
            }
            index += 1
        }
        throw Failure("the object has no end")
    }

    private static func missing(_ place: Int) throws(Failure) -> Int { throw Failure("expected a value at octet \(place)") }

    private static func endOfString(_ text: ArraySlice<UInt8>, at start: Int) throws(Failure) -> Int {
        var index = start + 1
        while index < text.endIndex {
            if text[index] == UInt8(ascii: "\"") { return index + 1 }
            index += text[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        throw Failure("a string has no end")
    }
}
