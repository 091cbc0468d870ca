import Ports

/// A date and time as mail writes it (RFC 5322 §3.3): a moment and the zone it is told in.
public struct DateTime: Hashable, Sendable, CustomStringConvertible {
    /// The moment.
    public let timestamp: Timestamp
    /// The zone, in minutes east of UTC.
    public let offsetMinutes: Int

    /// A moment told in UTC unless another zone of less than 100 hours is given.
    public init(_ timestamp: Timestamp, offsetMinutes: Int = 0) {
        self.timestamp = timestamp
        self.offsetMinutes = min(max(offsetMinutes, -5999), 5999)
    }

    /// `timestamp` in UTC, such as `Sat, 21 Nov 2026 18:59:15 +0000`.
    public static func wire(_ timestamp: Timestamp) -> String { DateTime(timestamp).description }

    /// Appends `timestamp` in UTC to `bytes`.
    public static func append(_ timestamp: Timestamp, to bytes: inout [UInt8]) { DateTime(timestamp).append(to: &bytes) }

    /// The date as a header has it, such as `Sat, 21 Nov 2026 18:59:15 +0000`.
    public var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(31)
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the date as a header has it to `bytes`.
    public func append(to bytes: inout [UInt8]) {
        let date = CivilTime(seconds: timestamp.seconds &+ Int64(offsetMinutes) &* 60)
        bytes.append(contentsOf: DateTime.dayNames[date.weekday % 7].utf8Bytes)
        bytes.append(contentsOf: [0x2c, 0x20])
        if date.day >= 10 { bytes.append(digit: date.day / 10) }
        bytes.append(digit: date.day % 10)
        bytes.append(0x20)
        bytes.append(contentsOf: DateTime.monthNames[(date.month + 11) % 12].utf8Bytes)
        bytes.append(0x20)
        bytes.append(decimal: date.year, width: 4)
        bytes.append(0x20)
        bytes.append(clock: date)
        bytes.append(0x20)
        bytes.append(offsetMinutes < 0 ? 0x2d : 0x2b)
        bytes.append(decimal: abs(offsetMinutes) / 60, width: 2)
        bytes.append(decimal: abs(offsetMinutes) % 60, width: 2)
    }

    /// `timestamp` in UTC as RFC 3339 has it, with milliseconds: `2026-11-21T18:59:15.042Z`.
    public static func rfc3339(_ timestamp: Timestamp) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        appendRFC3339(timestamp, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends `rfc3339` to `bytes`.
    public static func appendRFC3339(_ timestamp: Timestamp, to bytes: inout [UInt8]) {
        let date = CivilTime(seconds: timestamp.seconds)
        bytes.append(decimal: date.year, width: 4)
        bytes.append(0x2d)
        bytes.append(decimal: date.month, width: 2)
        bytes.append(0x2d)
        bytes.append(decimal: date.day, width: 2)
        bytes.append(0x54)
        bytes.append(clock: date)
        bytes.append(0x2e)
        let fraction = timestamp.nanoseconds % 1_000_000_000
        bytes.append(decimal: Int((fraction < 0 ? fraction + 1_000_000_000 : fraction) / 1_000_000), width: 3)
        bytes.append(0x5a)
    }

    static let dayNames: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    static let monthNames: [StaticString] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}

extension StaticString {
    /// The text as bytes.
    var utf8Bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount) }
}

extension [UInt8] {
    fileprivate mutating func append(digit: Int) { append(0x30 &+ UInt8(truncatingIfNeeded: digit)) }

    fileprivate mutating func append(clock date: CivilTime) {
        append(decimal: date.hour, width: 2)
        append(0x3a)
        append(decimal: date.minute, width: 2)
        append(0x3a)
        append(decimal: date.second, width: 2)
    }

    /// Appends a non-negative number with leading zeros up to `width` of at most four digits.
    fileprivate mutating func append(decimal number: Int, width: Int) {
        if width > 3 { append(digit: number / 1000 % 10) }
        if width > 2 { append(digit: number / 100 % 10) }
        append(digit: number / 10 % 10)
        append(digit: number % 10)
    }
}
