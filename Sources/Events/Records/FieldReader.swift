/// Why a record cannot be understood.
public enum RecordError: Error, Hashable, Sendable {
    /// A field runs past the end of the record.
    case truncated
    /// A field that the record cannot do without is missing.
    case missing(tag: UInt8)
    /// A field's value makes no sense.
    case invalid(tag: UInt8)
    /// The record is of another kind or version.
    case unknownKind
}

/// One field as it stands in a record.
struct Field {
    let tag: UInt8
    let value: ArraySlice<UInt8>
}

/// Reads tagged fields from bytes that may be damaged or hostile; never traps.
struct FieldReader {
    private let bytes: ArraySlice<UInt8>
    private var index: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    /// The next field; nil at the end.
    mutating func next() throws(RecordError) -> Field? {
        guard index < bytes.endIndex else { return nil }
        let tag = bytes[index]
        index += 1
        let length = try FieldReader.number(bytes, from: &index)
        guard let length = Int(exactly: length), length <= bytes.endIndex - index else { throw .truncated }
        let value = bytes[index..<(index + length)]
        index += length
        return Field(tag: tag, value: value)
    }

    fileprivate static func number(_ bytes: ArraySlice<UInt8>, from index: inout Int) throws(RecordError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.endIndex {
            let octet = bytes[index]
            index += 1
            guard shift < 63 || octet < 2 else { throw .truncated }
            value |= UInt64(octet & 0x7f) << shift
            if octet < 0x80 { return value }
            shift += 7
            guard shift <= 63 else { throw .truncated }
        }
        throw .truncated
    }
}

extension Field {
    var text: String { String(decoding: value, as: UTF8.self) }

    func octet() throws(RecordError) -> UInt8 {
        guard value.count == 1, let octet = value.first else { throw .invalid(tag: tag) }
        return octet
    }

    func number() throws(RecordError) -> UInt64 {
        var index = value.startIndex
        let number = try FieldReader.number(value, from: &index)
        guard index == value.endIndex else { throw .invalid(tag: tag) }
        return number
    }

    func number<Number: FixedWidthInteger>(as type: Number.Type) throws(RecordError) -> Number {
        guard let number = Number(exactly: try number()) else { throw .invalid(tag: tag) }
        return number
    }

    func fixed() throws(RecordError) -> UInt64 {
        guard value.count == 8 else { throw .invalid(tag: tag) }
        return value.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    var fields: FieldReader { FieldReader(value) }
}
