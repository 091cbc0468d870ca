import Ports

/// How long mail waits, and how much of it.
public struct QueueConfiguration: Hashable, Sendable {
    /// How long a message is tried.
    public var lifetime = Duration.days(5)
    /// How long a message with the null reverse-path is tried.
    public var bounceLifetime = Duration.days(2)
    /// The waits after the first, second… failed attempt.
    public var retrySchedule: [Duration] = [.minutes(1), .minutes(2), .minutes(5), .minutes(10), .minutes(20), .minutes(40),
                                            .hours(1), .hours(2), .hours(4)]
    /// By which part of itself a wait may be shorter or longer.
    public var retryJitter = 0.1
    /// The ages at which the sender hears of the delay.
    public var delayNotices: [Duration] = [.hours(4)]
    /// Messages that may wait.
    public var maxMessages = 4_000_000
    /// Deliveries in progress.
    public var maxActive = 20_000
    /// Destinations being looked up at once.
    public var maxResolving = 100
    /// Octets of bodies in memory for the first attempt.
    public var bodyMemory = 64 << 20
    /// Messages of an operator's action that are done together or not at all.
    public var operationGroup = 10_000
    /// Recipients of a message after its aliases are expanded.
    public var maxExpandedRecipients = 10_000
    /// Steps from an address to its last alias.
    public var maxAliasDepth = 10

    /// The documented defaults.
    public init() {}

    static var keys: [Key<QueueConfiguration>] { [
        .value("lifetime", \.lifetime, .duration(.minutes(1) ... .days(60)), "How long a message is tried before it bounces.",
               reference: "RFC 5321 §4.5.4.1: 4 to 5 days"),
        .value("bounceLifetime", \.bounceLifetime, .duration(.minutes(1) ... .days(60)),
               "The same for bounces, whose sender is `<>`; never more than `lifetime`."),
        .value("retrySchedule", \.retrySchedule, .list(of: .duration(.seconds(1) ... .days(7)), count: 1...100),
               "Waits after the first, second and each further failed attempt; the last one repeats.", reference: "RFC 5321 §4.5.4.1"),
        .value("retryJitter", \.retryJitter, .percentage(0...50), "By how much each wait is made shorter or longer at random."),
        .value("delayNotices", \.delayNotices, .list(of: .duration(.minutes(1) ... .days(60)), count: 0...10),
               "Ages at which the sender is told that a message is delayed, if it asked for that or did not say; `[]` for never.",
               reference: "RFC 3461 §4.1"),
        .value("maxMessages", \.maxMessages, .count(1...100_000_000),
               "Messages that may wait; more are refused with 452 4.3.1. Each takes about 100 bytes of memory."),
        .value("maxActive", \.maxActive, .count(1...1_000_000), "Deliveries in progress at once, over all destinations."),
        .value("maxResolving", \.maxResolving, .count(1...100_000), "Destinations being looked up in DNS at once."),
        .value("bodyMemory", \.bodyMemory, .size(1 << 20 ... 1 << 36),
               "Memory for bodies of new messages, so that first attempts need not read them from disk."),
        .value("operationGroup", \.operationGroup, .count(1...50_000),
               "Messages of `baton queue hold`, `remove`, `bounce` … that are recorded together: a crash leaves it done to all of a group or to none. An action on more messages is done group after group."),
        .value("maxExpandedRecipients", \.maxExpandedRecipients, .count(1...1_000_000), "Recipients of one message after its aliases are expanded."),
        .value("maxAliasDepth", \.maxAliasDepth, .count(1...100), "Steps from an address to its last alias."),
    ] }
}
