import Ports

/// Why an entry is not being delivered at this moment, in words for its owner.
public enum DelayReason: Hashable, Sendable {
    /// Its destination is being resolved, or waits for a free place among the lookups.
    case resolving
    /// Its destination could not be resolved; the next try comes at `until`.
    case unresolvable(until: Timestamp)
    /// Its last attempt failed; the next comes at `until`.
    case retry(until: Timestamp)
    /// The site could not be reached; one probe goes out at `until`.
    case siteUnavailable(until: Timestamp)
    /// The site asked to slow down; one probe goes out at `until`.
    case siteThrottled(until: Timestamp)
    /// As many deliveries to the site are in progress as it takes now.
    case siteLimit(inFlight: Int)
    /// As many deliveries are in progress as the server allows in all.
    case totalLimit
    /// It is about to get its turn.
    case turn
    /// It is final and waits to be recorded so.
    case settling
    /// It is being delivered.
    case inFlight
    /// An operator holds it.
    case held
}
