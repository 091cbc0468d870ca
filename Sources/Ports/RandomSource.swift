/// Where random bits come from: the system in production, a seed in tests.
///
/// Confined to one loop; never used for secrets that outlive the process.
public protocol RandomSource: AnyObject {
    /// The next 64 random bits.
    func next() -> UInt64
}

extension RandomSource {
    /// A number below `bound`, evenly distributed up to a bias of less than `bound`/2⁶⁴; 0 for a bound of 0.
    public func next(below bound: UInt64) -> UInt64 {
        bound == 0 ? 0 : next().multipliedFullWidth(by: bound).high
    }

    /// `duration` changed by up to `fraction` in either direction.
    public func jitter(_ duration: Duration, by fraction: Double) -> Duration {
        let unit = Double(next() >> 11) / Double(1 << 53) * 2 - 1
        let nanoseconds = Double(duration.clampedNanoseconds) * (1 + unit * fraction)
        return .nanoseconds(Int64(exactly: nanoseconds.rounded()) ?? duration.clampedNanoseconds)
    }
}
