import Ports

/// When a deferred entry is tried again, how long it lives and when its sender is told of the delay (RFC 5321 §4.5.4.1).
public struct RetrySchedule: Hashable, Sendable {
    /// Wait after the first, second… failed attempt; the last one repeats.
    public var intervals: [Duration] = [.minutes(1), .minutes(2), .minutes(5), .minutes(10), .minutes(20), .minutes(40),
                                        .hours(1), .hours(2), .hours(4)]
    /// By which part of itself a wait may be shorter or longer.
    public var jitter = 0.1
    /// How long a message is tried.
    public var lifetime: Duration = .days(5)
    /// How long a message with the null reverse-path is tried.
    public var bounceLifetime: Duration = .days(2)
    /// Ages at which a delay notice is due.
    public var delayNotices: [Duration] = [.hours(4)]

    /// The default schedule.
    public init() {}

    /// The wait after `attempts` failed attempts, with jitter.
    public func wait(afterAttempts attempts: Int, random: any RandomSource) -> Duration {
        guard let last = intervals.last else { return .hours(1) }
        let index = max(attempts, 1) - 1
        let interval = index < intervals.count ? intervals[index] : last
        return random.jitter(interval, by: jitter)
    }
}
