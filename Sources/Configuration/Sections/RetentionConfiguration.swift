import Ports

/// How long what is done with is remembered.
public struct RetentionConfiguration: Hashable, Sendable {
    /// How long the events of a message can be traced.
    public var events = Duration.days(30)

    /// The documented defaults.
    public init() {}

    static var keys: [Key<RetentionConfiguration>] { [
        .value("events", \.events, .duration(.hours(1) ... .days(3660)), "How long `baton trace` can tell what happened to a message.", effect: .restart),
    ] }
}
