import Synchronization

/// The name of one message in the queue: 64 bits that are never used twice, shown as 13 characters of Crockford base32.
public struct QueueID: Hashable, Comparable, Sendable {
    /// Upper 24 bits: the incarnation of the log that minted it; lower 40 bits: a counter.
    public let rawValue: UInt64

    /// The id with these bits.
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable public static func < (left: QueueID, right: QueueID) -> Bool { left.rawValue < right.rawValue }

    /// How many characters the text form has.
    public static let textLength = 13

    // No I, L, O or U: an id that is read out over the telephone survives.
    private static let alphabet: StaticString = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

    /// Appends the 13 characters of the text form.
    public func write(to bytes: inout [UInt8]) {
        QueueID.alphabet.withUTF8Buffer { digits in
            var shift: UInt64 = 60
            for _ in 0..<QueueID.textLength {
                bytes.append(digits[Int(truncatingIfNeeded: rawValue >> shift & 31)])
                shift &-= 5
            }
        }
    }

    /// Parses 13 characters of Crockford base32 in either case; `O` reads as 0, `I` and `L` as 1; nil for anything else.
    public init?(_ text: some StringProtocol) {
        var value: UInt64 = 0
        var count = 0
        for character in text.utf8 {
            guard count < QueueID.textLength, let digit = QueueID.digit(character) else { return nil }
            // 13 characters hold 65 bits: the first one carries only four.
            if count == 0, digit > 15 { return nil }
            value = value << 5 | digit
            count += 1
        }
        guard count == QueueID.textLength else { return nil }
        rawValue = value
    }

    private static func digit(_ character: UInt8) -> UInt64? {
        let upper = (0x61...0x7a).contains(character) ? character - 0x20 : character
        switch upper {
        case 0x30...0x39: return UInt64(upper - 0x30)
        case UInt8(ascii: "O"): return 0
        case UInt8(ascii: "I"), UInt8(ascii: "L"): return 1
        default:
            return alphabet.withUTF8Buffer { digits in
                digits.firstIndex(of: upper).map { UInt64($0) }
            }
        }
    }
}

extension QueueID: CustomStringConvertible {
    /// The 13 characters of Crockford base32 that people and peers see.
    public var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(QueueID.textLength)
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Hands out queue ids to every loop that receives mail, before the message is in the log.
public final class QueueIDMint: Sendable {
    private let high: UInt64
    private let counter: Atomic<UInt64>

    /// A mint for one opening of the log; `incarnation` must be one that no earlier opening had.
    public init(incarnation: UInt32) {
        high = UInt64(incarnation & 0xff_ffff) << 40
        counter = Atomic(0)
    }

    /// A new id; callable from any thread.
    public func next() -> QueueID {
        let count = counter.add(1, ordering: .relaxed).newValue
        // 2⁴⁰ messages in one run of the process would take three years at 10,000 a second.
        precondition(count < 1 << 40, "queue ids of this incarnation are used up")
        return QueueID(rawValue: high | count)
    }
}
