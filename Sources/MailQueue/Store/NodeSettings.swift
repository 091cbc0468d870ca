import Ports

/// How a node shares a queue with others.
public struct NodeSettings: Hashable, Sendable {
    /// How long a lease lasts: after so long without a sign of its node a place goes to another.
    public var lease: Duration = .seconds(30)
    /// How often places are claimed and read.
    public var readInterval: Duration = .seconds(2)
    /// How long a place without entries is kept.
    public var idlePlace: Duration = .seconds(60)
    /// Places claimed at a time, at most.
    public var maxClaim = 100
    /// Entries read at a time.
    public var pageSize = 500
    /// How often a new message is sent to the store before the client is told to try again.
    public var appendTries = 3
    /// Wait before a call that failed is made again.
    public var retryInterval: Duration = .seconds(2)

    /// How often leases are renewed: two renewals may fail before a lease ends.
    public var renewInterval: Duration { lease / 3 }
    /// How long a node believes in a lease from the moment when it asked for it: less than the store does.
    public var trustedLease: Duration { lease * 9 / 10 }

    /// The defaults.
    public init() {}
}
