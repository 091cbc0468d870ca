/// The number of a record: ordered as the appends were called, never used twice, not even for records that were lost.
///
/// The upper 24 bits are the incarnation of the log, which grows at every open; the lower 40 count
/// within it. A record that a crash took away cannot lend its number to a later one.
public struct LSN: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Incarnation and counter in one number.
    public let rawValue: UInt64

    /// The record number `rawValue`.
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    /// Before every record.
    public static let zero = LSN(0)

    /// The incarnation of the log that assigned it.
    public var incarnation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 40) }

    public static func < (left: LSN, right: LSN) -> Bool { left.rawValue < right.rawValue }

    /// `INCARNATION.COUNTER`.
    public var description: String { "\(incarnation).\(rawValue & 0xff_ffff_ffff)" }

    /// The largest incarnation.
    static let maxIncarnation: UInt32 = 0xff_ffff

    /// The number `count` records later.
    func advanced(by count: Int) -> LSN { LSN(rawValue &+ UInt64(truncatingIfNeeded: count)) }

    /// The first number of `incarnation`.
    static func first(of incarnation: UInt32) -> LSN { LSN(UInt64(incarnation) << 40 | 1) }
}
