/// Writes tagged fields: tag octet, length, value. Numbers are little-endian base 128.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func bytes(_ tag: UInt8, _ value: [UInt8]) {
        bytes.append(tag)
        length(value.count)
        bytes.append(contentsOf: value)
    }

    mutating func text(_ tag: UInt8, _ value: String) {
        bytes.append(tag)
        length(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    /// Writes the text unless it is nil.
    mutating func text(_ tag: UInt8, _ value: String?) {
        if let value { text(tag, value) }
    }

    mutating func octet(_ tag: UInt8, _ value: UInt8) {
        bytes.append(tag)
        bytes.append(1)
        bytes.append(value)
    }

    mutating func number(_ tag: UInt8, _ value: UInt64) {
        bytes.append(tag)
        bytes.append(UInt8(truncatingIfNeeded: max(1, (70 &- value.leadingZeroBitCount) / 7)))
        number(value)
    }

    /// A number of which all 64 bits matter: eight octets, little-endian.
    mutating func fixed(_ tag: UInt8, _ value: UInt64) {
        bytes.append(tag)
        bytes.append(8)
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: UnsafeRawBufferPointer($0)) }
    }

    /// A field whose value is fields again.
    mutating func nested(_ tag: UInt8, _ content: (inout FieldWriter) -> Void) {
        bytes.append(tag)
        // A length of fixed width is filled in afterwards, so that nothing is built twice.
        let start = bytes.count
        bytes.append(0x80)
        bytes.append(0x80)
        bytes.append(0x00)
        content(&self)
        let size = bytes.count - start - 3
        bytes[start] = 0x80 | UInt8(truncatingIfNeeded: size & 0x7f)
        bytes[start + 1] = 0x80 | UInt8(truncatingIfNeeded: size >> 7 & 0x7f)
        bytes[start + 2] = UInt8(truncatingIfNeeded: size >> 14 & 0x7f)
    }

    /// A field that `content` writes as raw bytes.
    mutating func raw(_ tag: UInt8, _ content: (inout [UInt8]) -> Void) {
        bytes.append(tag)
        let start = bytes.count
        bytes.append(0x80)
        bytes.append(0x00)
        content(&bytes)
        let size = bytes.count - start - 2
        bytes[start] = 0x80 | UInt8(truncatingIfNeeded: size & 0x7f)
        bytes[start + 1] = UInt8(truncatingIfNeeded: size >> 7 & 0x7f)
    }

    private mutating func length(_ count: Int) { number(UInt64(truncatingIfNeeded: count)) }

    private mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
