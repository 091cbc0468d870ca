/// Why the log could not do what it was asked for.
public enum StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Too many bytes wait to be written (`LogSettings.maxPendingBytes`).
    case full
    /// The file system has no room left.
    case noSpace
    /// The disk refused to write or to sync; what was appended may or may not be kept.
    case notStored(errno: Int32)
    /// The log could not go on in a new segment either and takes nothing until the disk recovers.
    case failed
    /// The group is larger than a segment.
    case tooLarge
    /// The position is in a file that has been freed: look the record up again.
    case gone
    /// What lies there is not a whole record; it has been copied to the quarantine.
    case damaged(RecordPosition)
    /// The disk refused to read.
    case unreadable(errno: Int32)
    /// The log has been closed.
    case closed

    /// What happened, for a log line.
    public var description: String {
        switch self {
        case .full: "too much waits to be written to the log"
        case .noSpace: "no space left for the log"
        case .notStored(let errno): "the log could not be written (\(FileError.text(errno)))"
        case .failed: "the log is failing and takes nothing"
        case .tooLarge: "larger than a log segment"
        case .gone: "the record has moved"
        case .damaged(let position): "the record at \(position) is damaged"
        case .unreadable(let errno): "the log could not be read (\(FileError.text(errno)))"
        case .closed: "the log is closed"
        }
    }
}

/// Why a log could not be opened.
public enum LogOpenError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another process has the spool.
    case locked
    /// A file was written in a format that this program does not know.
    case formatTooNew(file: String, format: UInt16, supported: UInt16, writtenBy: String)
    /// A critical record is of a kind or version that this program does not know.
    case unknownCritical(file: String, kind: UInt8, version: UInt8, writtenBy: String)
    /// A file operation failed.
    case file(FileError)
    /// A setting makes no sense.
    case invalidSetting(String)

    /// What happened and what is needed.
    public var description: String {
        switch self {
        case .locked: "another process uses this spool"
        case .formatTooNew(let file, let format, let supported, let release):
            "\(file) has log format \(format), this version knows up to \(supported): at least \(release) is needed"
        case .unknownCritical(let file, let kind, let version, let release):
            "\(file) holds critical records of kind \(kind) version \(version): at least \(release) is needed"
        case .file(let error): error.description
        case .invalidSetting(let text): text
        }
    }
}
