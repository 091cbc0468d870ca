/// Writes the compact form of a chunk of a checkpoint: numbers in base 128, texts once, in front.
///
/// ```
/// version, kind, number of texts, (length, text)…, (length, message)…
/// ```
/// Each message has its length, so that one that cannot be understood costs only itself.
struct CheckpointBytes {
    private let kind: CheckpointChunkKind
    private var texts: [UInt8] = []
    private var textCount: UInt64 = 0
    private var messages: [UInt8] = []
    private var message: [UInt8] = []
    private var numbers: [String: UInt64] = [:]
    /// Senders and hosts that the chunk has named, by their numbers in the queue's tables.
    private var senders: [UInt32: UInt64] = [:]
    private var hosts: [UInt32: UInt64] = [:]

    /// The version of the form; recovery refuses any other.
    static let version: UInt8 = 2

    init(kind: CheckpointChunkKind) {
        self.kind = kind
        messages.reserveCapacity(1 << 17)
    }

    /// Bytes so far.
    var count: Int { texts.count + messages.count }

    /// The chunk.
    var encoded: [UInt8] {
        var bytes: [UInt8] = [CheckpointBytes.version, kind.rawValue]
        bytes.reserveCapacity(count + 16)
        CheckpointBytes.append(textCount, to: &bytes)
        bytes += texts
        bytes += messages
        return bytes
    }

    /// Puts what was written since the last call into the chunk as one message.
    mutating func endMessage() {
        CheckpointBytes.append(UInt64(message.count), to: &messages)
        messages += message
        message.removeAll(keepingCapacity: true)
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func number(_ value: UInt64) { CheckpointBytes.append(value, to: &message) }

    mutating func number(_ value: some FixedWidthInteger & UnsignedInteger) { number(UInt64(value)) }

    mutating func octet(_ value: UInt8) { message.append(value) }

    mutating func fixed(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { message.append(contentsOf: $0) }
    }

    /// A text, by its number.
    mutating func text(_ text: String) {
        if let known = numbers[text] { return number(known) }
        let new = append(text)
        numbers[text] = new
        number(new)
    }

    /// The text of a sender, which `make` knows.
    mutating func sender(_ id: UInt32, _ make: () -> String) {
        if let known = senders[id] { return number(known) }
        let new = append(make())
        senders[id] = new
        number(new)
    }

    /// The text of a host, which `make` knows.
    mutating func host(_ id: UInt32, _ make: () -> String) {
        if let known = hosts[id] { return number(known) }
        let new = append(make())
        hosts[id] = new
        number(new)
    }

    private mutating func append(_ text: String) -> UInt64 {
        CheckpointBytes.append(UInt64(text.utf8.count), to: &texts)
        texts.append(contentsOf: text.utf8)
        defer { textCount += 1 }
        return textCount
    }
}

/// What a chunk of a checkpoint holds.
enum CheckpointChunkKind: UInt8 {
    case messages = 1
    /// Attempts in progress and uploads: one message.
    case running = 2
}

/// Reads the compact form; a checkpoint's checksum has been verified before, but nothing here traps on nonsense.
struct CheckpointReader {
    private let bytes: [UInt8]
    private var index = 0
    /// Where the message that is read ends, or else the chunk.
    private var end: Int
    private var texts: [String] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        end = bytes.count
    }

    var isAtEnd: Bool { index >= end }

    /// Reads the texts; false when they are not whole.
    mutating func readTexts() -> Bool {
        guard let count = number() else { return false }
        for _ in 0..<count {
            guard let length = number(as: Int.self), length <= end - index else { return false }
            texts.append(String(decoding: bytes[index..<(index + length)], as: UTF8.self))
            index += length
        }
        return true
    }

    /// Lets `read` take one message and goes on behind it, whatever came of it: the bytes of one that it did not understand.
    ///
    /// What is no whole message is given back as `rest`.
    mutating func message(_ read: (inout CheckpointReader) -> Bool) -> MessageReading {
        let start = index
        guard let length = number(as: Int.self), length <= end - index else {
            defer { index = end }
            return .rest(Array(bytes[start..<end]))
        }
        let (first, next, last) = (index, index + length, end)
        end = next
        let isUnderstood = read(&self) && isAtEnd
        index = next
        end = last
        return isUnderstood ? .understood : .nonsense(Array(bytes[first..<next]))
    }

    /// What came of a message.
    enum MessageReading {
        case understood
        case nonsense([UInt8])
        /// Without a length there is no telling where the next one begins.
        case rest([UInt8])
    }

    mutating func octet() -> UInt8? {
        guard index < end else { return nil }
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
        guard end - index >= 8 else { return nil }
        defer { index += 8 }
        var value: UInt64 = 0
        for offset in (0..<8).reversed() { value = value << 8 | UInt64(bytes[index + offset]) }
        return value
    }

    mutating func text() -> String? {
        guard let number = number(as: Int.self), texts.indices.contains(number) else { return nil }
        return texts[number]
    }
}
