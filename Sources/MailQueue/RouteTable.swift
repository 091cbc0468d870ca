import Events
import MessageFormat

/// What the configuration says about ways out, as far as the queue has to know it; called on the core loop.
public protocol RouteTable: AnyObject {
    /// The route of a recipient, and the domain where the route's next hop depends on it.
    func destination(for host: MailHost, from reversePath: ReversePath) -> DestinationKey

    /// What a failure number that came with `Resolution.undeliverable` means.
    func diagnosis(ofFailure failure: UInt32) -> Diagnosis
}
