/// Where a record lies: the number of its file and its offset in units of 64 bytes.
///
/// Segments and body files share one sequence of numbers, and no number is given twice.
public struct RecordPosition: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Number of the segment or body file.
    public var segment: UInt32
    /// Offset of the record's first byte, divided by 64.
    public var offset: UInt32

    /// A place in a file.
    public init(segment: UInt32, offset: UInt32) {
        self.segment = segment
        self.offset = offset
    }

    public static func < (left: RecordPosition, right: RecordPosition) -> Bool { left.packed < right.packed }

    /// Both numbers in one: the segment above the offset.
    public var packed: UInt64 { UInt64(segment) << 32 | UInt64(offset) }

    /// The position that `packed` gave.
    public init(packed: UInt64) {
        segment = UInt32(truncatingIfNeeded: packed >> 32)
        offset = UInt32(truncatingIfNeeded: packed)
    }

    /// `SEGMENT:OFFSET`, the offset in bytes.
    public var description: String { "\(segment):\(UInt64(offset) * 64)" }

    var byteOffset: UInt64 { UInt64(offset) * 64 }
}

/// A record that now lies elsewhere.
public struct RecordMove: Hashable, Sendable {
    /// Where it was.
    public let from: RecordPosition
    /// Where it is.
    public let to: RecordPosition
    /// The message the record belongs to, so that its owner need not look for it; 0 for none.
    public let messageKey: UInt64

    /// A move between two places.
    public init(from: RecordPosition, to: RecordPosition, messageKey: UInt64) {
        self.from = from
        self.to = to
        self.messageKey = messageKey
    }
}
