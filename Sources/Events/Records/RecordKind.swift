/// What a log record is about: the `kind` of `Storage`'s records.
///
/// Numbers are never given a second meaning; a fixture log of each released format is a test.
public enum RecordKind: UInt8, Sendable, CaseIterable {
    /// A message: envelope and prefix in the meta part, received bytes in the body part.
    case accepted = 1
    /// A part of a large body that was written before its message.
    case bodyChunk = 2
    /// Attempts that are about to begin; one record speaks of many messages.
    case attemptsStarted = 3
    /// The end of an attempt.
    case attempted = 4
    /// A message is held.
    case held = 5
    /// A hold has ended.
    case released = 6
    /// The next attempt was moved to now.
    case retryRequested = 7
    /// Recipients were taken away.
    case removed = 8
    /// A notification was queued.
    case reported = 9
    /// A bounce was dropped.
    case bounceDropped = 10
    /// The process died while it tried the message.
    case crashed = 11
    /// Nothing happened: a point in the log that a checkpoint waits for.
    case marker = 12

    /// The version of the tagged fields that this program writes and reads.
    public static let version: UInt8 = 1

    /// Whether a program that does not know the record must refuse to start: without it mail would be lost or sent twice.
    public var isCritical: Bool {
        switch self {
        case .accepted, .bodyChunk, .attempted, .held, .released, .removed: true
        case .attemptsStarted, .retryRequested, .reported, .bounceDropped, .crashed, .marker: false
        }
    }

    /// Whether this program can read records of this kind and version.
    public static func isKnown(kind: UInt8, version: UInt8) -> Bool {
        RecordKind(rawValue: kind) != nil && version == RecordKind.version
    }
}
