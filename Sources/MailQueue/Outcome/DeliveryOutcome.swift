import Events
import SMTP

/// What an agent achieved for one recipient; the queue decides what it means.
public enum DeliveryOutcome: Hashable, Sendable {
    /// In the recipient's mailbox.
    case delivered(Reply?)
    /// Taken by the next hop, which reports on success itself or not (RFC 3461 §5.2).
    case relayed(Reply?, reportedBy: ReportDuty)
    /// Not now: a 4xx, a connection that failed, an answer of the DNS that may change.
    case deferred(Diagnosis)
    /// Never: a 5xx, no such domain, an extension that is missing for good.
    case failed(Diagnosis)
    /// Not reached in this transaction and to be tried again at once, without counting as an attempt
    /// (RFC 5321 §4.5.3.1.10: 452 after as many recipients as the host takes).
    case untried
}
