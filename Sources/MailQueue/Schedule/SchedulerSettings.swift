import Ports

/// Limits and times of the scheduler.
public struct SchedulerSettings: Hashable, Sendable {
    /// Retries, lifetimes and delay notices of messages.
    public var retry = RetrySchedule()
    /// Deliveries in progress, in all.
    public var maxInFlight = 20_000
    /// Deliveries in progress at a site that nothing is known of.
    public var initialSiteConcurrency = 5
    /// Deliveries in progress at a site that takes everything.
    public var maxSiteConcurrency = 20
    /// Destinations being resolved at a time.
    public var maxResolving = 100
    /// Expired and undeliverable entries being recorded at a time.
    public var maxSettling = 256
    /// Waits between probes of a site or destination that does not answer; the last one repeats.
    public var probeIntervals: [Duration] = [.minutes(1), .minutes(2), .minutes(5), .minutes(10), .minutes(20), .minutes(40),
                                             .hours(1)]
    /// How long what was learnt of a site without mail is remembered.
    public var siteMemory: Duration = .hours(1)

    /// The defaults.
    public init() {}
}
