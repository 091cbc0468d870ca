/// Writes the compact form of a checkpoint: numbers in base 128, texts once a chunk.
struct CheckpointBytes {
    private(set) var bytes: [UInt8] = []
    private var textCount: UInt64 = 0
    private var texts: [String: UInt64] = [:]
    /// Senders and hosts that the chunk has named, by their numbers in the queue's tables.
    private var senders: [UInt32: UInt64] = [:]
    private var hosts: [UInt32: UInt64] = [:]

    /// The version of the form; recovery refuses any other.
    static let version: UInt8 = 1

    init(kind: CheckpointChunkKind) {
        bytes.reserveCapacity(1 << 17)
        bytes.append(CheckpointBytes.version)
        bytes.append(kind.rawValue)
    }

    mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func number(_ value: some FixedWidthInteger & UnsignedInteger) { number(UInt64(value)) }

    mutating func octet(_ value: UInt8) { bytes.append(value) }

    mutating func fixed(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// A text: in full the first time, by its number afterwards.
    mutating func text(_ text: String) {
        if let known = texts[text] { return number(known) }
        texts[text] = append(text)
    }

    /// The text of a sender, which `make` knows.
    mutating func sender(_ id: UInt32, _ make: () -> String) {
        if let known = senders[id] { return number(known) }
        senders[id] = append(make())
    }

    /// The text of a host, which `make` knows.
    mutating func host(_ id: UInt32, _ make: () -> String) {
        if let known = hosts[id] { return number(known) }
        hosts[id] = append(make())
    }

    private mutating func append(_ text: String) -> UInt64 {
        number(0 as UInt64)
        number(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
        textCount += 1
        return textCount
    }
}

/// What a chunk of a checkpoint holds.
enum CheckpointChunkKind: UInt8 {
    case messages = 1
    /// Attempts in progress and uploads.
    case running = 2
}

/// Reads the compact form; a checkpoint's checksum has been verified before, but nothing here traps on nonsense.
struct CheckpointReader {
    private let bytes: [UInt8]
    private var index = 0
    private var texts: [String] = []

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { index >= bytes.count }

    mutating func octet() -> UInt8? {
        guard index < bytes.count else { return nil }
        defer { index += 1 }
        return bytes[index]
    }

    mutating func number() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64, let octet = octet() {
            value |= UInt64(octet & 0x7f) << shift
            if octet < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    mutating func number<Number: FixedWidthInteger>(as type: Number.Type) -> Number? {
        number().flatMap { Number(exactly: $0) }
    }

    mutating func fixed() -> UInt64? {
        guard bytes.count - index >= 8 else { return nil }
        defer { index += 8 }
        var value: UInt64 = 0
        for offset in (0..<8).reversed() { value = value << 8 | UInt64(bytes[index + offset]) }
        return value
    }

    mutating func text() -> String? {
        guard let reference = number(as: Int.self) else { return nil }
        if reference > 0 { return reference <= texts.count ? texts[reference - 1] : nil }
        guard let length = number(as: Int.self), length <= bytes.count - index else { return nil }
        defer { index += length }
        let text = String(decoding: bytes[index..<(index + length)], as: UTF8.self)
        texts.append(text)
        return text
    }
}
