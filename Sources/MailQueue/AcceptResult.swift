import Events
import SMTP

/// Whether the log has the message.
public enum AcceptResult: Hashable, Sendable {
    /// It is synced: Baton answers for the message from here on.
    case accepted(QueueID)
    /// It is not: the client keeps the message.
    case refused(AcceptRefusal)
}

/// Why a message or a part of one was not taken.
public enum AcceptRefusal: Hashable, Sendable {
    /// Disk, memory or a limit is used up, or the log has failed: 452 4.3.1.
    case insufficientStorage
    /// This write failed: 451 4.3.0.
    case storageFailure

    /// What the client is told.
    public var reply: Reply {
        switch self {
        case .insufficientStorage: .insufficientStorage
        case .storageFailure: .queueFailed
        }
    }
}

/// Whether the log took a part of a large body.
public enum ChunkResult: Hashable, Sendable {
    /// It did; the next part may come.
    case taken
    /// It did not; the transaction must end with the refusal's reply.
    case refused(AcceptRefusal)
}
