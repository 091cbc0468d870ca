import Ports

extension Timestamp {
    /// Whole seconds since 1970 as the slabs keep them, rounded down and clamped to 1970…2106.
    var wholeSecond: UInt32 { UInt32(clamping: seconds) }

    /// The same rounded up: a deadline is never met early.
    var deadlineSecond: UInt32 {
        let floor = seconds
        return UInt32(clamping: Timestamp(seconds: floor) < self ? floor + 1 : floor)
    }

    /// The beginning of a second that a slab keeps.
    init(second: UInt32) { self.init(seconds: Int64(second)) }
}

extension Duration {
    /// Whole seconds, rounded down and clamped to 32 bits.
    var wholeSeconds: UInt32 { UInt32(clamping: components.seconds) }
}

extension UInt32 {
    /// The sum, or the largest number where it does not fit.
    func advanced(bySeconds seconds: UInt32) -> UInt32 {
        let (sum, overflow) = addingReportingOverflow(seconds)
        return overflow ? .max : sum
    }
}
