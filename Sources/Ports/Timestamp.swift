/// A moment in nanoseconds since 1970-01-01T00:00:00Z, as the process clock tells it.
///
/// The process clock follows the monotonic clock between re-anchorings to the wall clock, so that
/// a wall clock that jumps cannot make a retry schedule run backwards.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var nanoseconds: Int64

    /// A moment `nanoseconds` after 1970-01-01T00:00:00Z.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// A moment `seconds` after 1970-01-01T00:00:00Z; moments outside of 1677…2262 are clamped.
    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        nanoseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// The last moment that can be told; used as “never”.
    public static let distantFuture = Timestamp(nanoseconds: .max)
    /// The first moment that can be told.
    public static let distantPast = Timestamp(nanoseconds: .min)

    /// Whole seconds since 1970, rounded down.
    public var seconds: Int64 {
        let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The moment `duration` later; clamped, never trapping.
    public static func + (left: Timestamp, right: Duration) -> Timestamp {
        let (sum, overflow) = left.nanoseconds.addingReportingOverflow(right.clampedNanoseconds)
        return Timestamp(nanoseconds: overflow ? (right < .zero ? .min : .max) : sum)
    }

    /// The moment `duration` earlier; clamped, never trapping.
    public static func - (left: Timestamp, right: Duration) -> Timestamp { left + (.zero - right) }

    /// The time from `right` to `left`; clamped, never trapping.
    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
        return .nanoseconds(overflow ? (left < right ? .min : .max) : difference)
    }
}

extension Duration {
    /// This duration in nanoseconds, clamped to what 64 bits hold (292 years).
    public var clampedNanoseconds: Int64 {
        // 10⁹ is 2⁹·5⁹: up to an hour or so, a shift brings it into 64 bits, and no 128-bit division is needed.
        let attoseconds = attoseconds
        if attoseconds >= 0, attoseconds < 1 << 72 { return Int64(truncatingIfNeeded: attoseconds >> 9) / 1_953_125 }
        return longNanoseconds
    }

    private var longNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carry) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// This duration in seconds, for people and for reports.
    public var inSeconds: Double { Double(clampedNanoseconds) / 1e9 }

    /// `count` minutes.
    public static func minutes(_ count: Int64) -> Duration { .seconds(count * 60) }
    /// `count` hours.
    public static func hours(_ count: Int64) -> Duration { .seconds(count * 3600) }
    /// `count` days.
    public static func days(_ count: Int64) -> Duration { .seconds(count * 86400) }
}
