import SMTP

/// Why `Cleanup` does not let a message into the queue.
public enum CleanupRefusal: Error, Hashable, Sendable {
    /// It has been through too many hosts, or was at this alias before (RFC 5321 §6.3).
    case loop
    /// Aliases lead back to themselves or further than allowed, and to no final address.
    case aliasLoop
    /// Aliases expand into more recipients than allowed.
    case tooManyRecipients
    /// There is no recipient.
    case noRecipients

    /// What the client is told.
    public var reply: Reply {
        switch self {
        case .loop: .tooManyHops
        case .aliasLoop: Reply(550, .init(5, 4, 6), "Alias loop")
        case .tooManyRecipients: Reply(550, .init(5, 4, 6), "Address expands into too many recipients")
        case .noRecipients: .noRecipients
        }
    }
}
