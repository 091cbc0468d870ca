import Events
import Ports

/// The way out of the queue, as the delivery service sees it; `Queue` is its one real form.
///
/// Everything here happens on the core loop.
public protocol DeliveryQueue: AnyObject {
    /// Called when `nextStep` may have something new to say.
    var workArrived: (() -> Void)? { get set }

    /// What to do now: call until it says `.sleep`, `.idle` or `.pause`.
    func nextStep() -> NextStep

    /// The answer to `.resolve`, good until `validUntil`.
    func resolved(_ destination: DestinationID, _ resolution: Resolution, validUntil: Timestamp)

    /// Prepares an attempt: reads what is not in memory and records that the attempt begins.
    ///
    /// `ready` gets nil when there is nothing to try after all; the ticket is used up then.
    func start(_ ticket: AttemptTicket, ready: @escaping @Sendable (Attempt?) -> Void)

    /// The next ticket for a connection to `site` that has just become free; nil: give the connection up.
    func nextTicket(for site: SiteID) -> AttemptTicket?

    /// Records what came of an attempt; `written` is called when the record is, and with false when it cannot be:
    /// the connection sends its next message only after true.
    func finish(_ attempt: AttemptID, _ report: AttemptReport, written: @escaping @Sendable (Bool) -> Void)
}

/// What the delivery service has to do next.
public enum NextStep: Hashable, Sendable {
    /// Find the site of the destination, then call `resolved`.
    case resolve(DestinationID, DestinationKey)
    /// Start the attempt at its site.
    case start(AttemptTicket)
    /// More is at hand: let the loop run other jobs, then ask again.
    case pause
    /// Nothing before this moment, unless `workArrived` is called.
    case sleep(until: Timestamp)
    /// Nothing until `workArrived` is called.
    case idle
}

/// The right to start one attempt.
public struct AttemptTicket: Hashable, Sendable {
    let entry: EntryID
    /// The site that the attempt is for.
    public let site: SiteID
}
