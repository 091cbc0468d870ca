import Ports
import Testing

@Suite struct TimestampTests {
    @Test("Durations in nanoseconds: short ones by a shift, long ones by division, the longest clamped", arguments: [
        (Duration.zero, 0), (.nanoseconds(1), 1), (.nanoseconds(-1), -1), (.milliseconds(20), 20_000_000), (.seconds(300), 300_000_000_000),
        (.seconds(4722), 4_722_000_000_000), (.seconds(4723), 4_723_000_000_000), (.hours(1), 3_600_000_000_000),
        (.days(5), 432_000_000_000_000), (.seconds(-4800), -4_800_000_000_000),
        (Duration(secondsComponent: 4722, attosecondsComponent: 366_482_869_999_999_999), 4_722_366_482_869),
        (.seconds(Int64.max), Int64.max), (.seconds(Int64.min), Int64.min), (Duration(secondsComponent: 0, attosecondsComponent: 999_999_999), 0),
    ] as [(Duration, Int64)])
    func nanoseconds(duration: Duration, expected: Int64) {
        #expect(duration.clampedNanoseconds == expected)
    }

    @Test("Sums do not leave what can be told")
    func clamped() {
        #expect(Timestamp.distantFuture + .seconds(1) == .distantFuture)
        #expect(Timestamp.distantPast - .seconds(1) == .distantPast)
        #expect(Timestamp(seconds: 10) + .seconds(5) == Timestamp(seconds: 15))
        #expect(Timestamp(seconds: 10) - .minutes(1) == Timestamp(seconds: -50))
    }
}
