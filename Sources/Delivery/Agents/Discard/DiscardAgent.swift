import Events
import MailQueue
import Ports

/// Drops mail: every recipient counts as delivered, and the history says by which agent.
public final class DiscardAgent: DeliveryAgent {
    private let loop: any Loop

    /// An agent on `loop`.
    public init(loop: any Loop) { self.loop = loop }

    public func deliver(_ request: DeliveryRequest, completion: @escaping (AttemptReport, (any DeliveryLease)?) -> Void) {
        let confined = LoopConfined(completion, to: loop)
        let loop = loop
        // Not at once: a queue of discarded mail would otherwise be one recursion.
        loop.execute {
            let outcomes = request.attempt.recipients.map { RecipientDelivery(recipient: $0, outcome: .delivered(nil)) }
            confined.value(AttemptReport(host: RemoteHost(name: "/dev/null"), ended: loop.now, outcomes: outcomes, feedback: .delivered), nil)
        }
    }

    public func stop() {}
}
