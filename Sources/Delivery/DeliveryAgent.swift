import MailQueue

/// One attempt on its way to a next hop.
public struct DeliveryRequest: Sendable {
    /// What to deliver to whom.
    public let attempt: Attempt
    /// Where.
    public let nextHop: NextHop

    /// A request.
    public init(attempt: Attempt, nextHop: NextHop) {
        self.attempt = attempt
        self.nextHop = nextHop
    }
}

/// Delivers attempts of one kind of next hop; lives on the core loop.
public protocol DeliveryAgent: AnyObject {
    /// Makes one attempt; `completion` is called once, on the core loop, with what came of it.
    ///
    /// What the attempt holds (a connection) stays held until the lease is released, which happens
    /// when the outcome is in the log: so a crash repeats at most one message a connection.
    func deliver(_ request: DeliveryRequest, completion: @escaping (AttemptReport, (any DeliveryLease)?) -> Void)

    /// Finishes attempts in progress as they come and starts no new connection; idle ones are closed.
    func stop()
}

/// What an agent keeps for the next message to the same site.
public protocol DeliveryLease: AnyObject {
    /// The outcome is written: the connection may carry the next message.
    func release()
    /// The outcome could not be written: the connection is closed.
    func discard()
}
