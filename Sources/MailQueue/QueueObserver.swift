import Events
import Ports

/// Who hears what happens in the queue, for log lines and alerts; called on the core loop.
public protocol QueueObserver: AnyObject {
    /// An event was recorded; `envelope` names its recipients.
    func recorded(_ event: MailEvent, envelope: Envelope?)

    /// Something needs a person.
    func alert(_ alert: QueueAlert)
}

/// What in the queue needs a person.
public enum QueueAlert: Hashable, Sendable {
    /// The process died so often while it tried this message that it is held now.
    case heldForCrashes(QueueID, count: UInt8)
    /// The log does not give this message back; it is held.
    case unreadable(QueueID)
    /// So many records of the log were not understood at the start.
    case unreadableRecords(Int)
    /// The log does not take records: nothing is accepted and nothing new is delivered.
    case logFailed
    /// The disk is full: nothing is accepted.
    case outOfSpace
    /// The log takes records again.
    case logRecovered

    /// What to tell the person.
    public var text: String {
        switch self {
        case .heldForCrashes(let id, let count):
            "message \(id) is held: the process died \(count) times while trying it; see `baton queue show \(id)`, then release or remove it"
        case .unreadable(let id): "message \(id) is held: its record in the log is damaged; see `baton queue show \(id)`"
        case .unreadableRecords(let count):
            "\(count) records of the log could not be read; nothing in the spool is freed until they are put aside: stop Baton and run `baton queue fsck`"
        case .logFailed: "the log cannot be written: mail is refused with 452 and nothing new is delivered until the disk recovers"
        case .outOfSpace: "no space left for the log: mail is refused with 452; deliveries go on"
        case .logRecovered: "the log takes records again"
        }
    }
}
