import Ports

/// First attempts of strangers are put off; who comes again is let in.
public struct GreylistRule: Hashable, Sendable {
    /// Whether it acts.
    public var mode = RuleMode.off
    /// How long after the first attempt the next one counts.
    public var delay = Duration.minutes(2)
    /// How long after the first attempt the next one must come.
    public var patience = Duration.hours(24)
    /// How long a pool that has passed is remembered after its last message.
    public var memory = Duration.days(36)
    /// Passed triplets after which all mail of a pool is let in.
    public var passesToTrust = 2

    /// Off.
    public init() {}
}

/// An address is asked for at its own server before mail for or from it is taken.
public struct VerificationRule: Hashable, Sendable {
    /// Whether it acts.
    public var mode = RuleMode.off
    /// How long a transaction waits for the answer; without one, the address passes.
    public var timeout = Duration.seconds(20)
    /// How long a good address is remembered.
    public var goodLifetime = Duration.days(7)
    /// How long a bad address is remembered.
    public var badLifetime = Duration.hours(1)

    /// Off.
    public init() {}
}
