import Ports

/// A record on its way into the log; the log reads nothing in `meta` and `body`.
public struct RecordDraft: Sendable {
    /// What the record is about, in the vocabulary of the log's user.
    public var kind: UInt8
    /// The form of `meta`.
    public var version: UInt8
    /// Whether a reader that does not know `kind` or `version` must refuse to start instead of skipping it.
    public var isCritical: Bool
    /// The message the record belongs to, for history queries; 0 for none.
    public var messageKey: UInt64
    /// Hashes of the addresses by which the message can be found; kept in the archive's index.
    public var addressHashes: [UInt64]
    /// Read at every recovery and kept in the archive.
    public var meta: [UInt8]
    /// Read only by position, and freed when nobody retains the record.
    public var body: [UInt8]

    /// A record of `kind` in the form `version`.
    public init(kind: UInt8, version: UInt8, isCritical: Bool, messageKey: UInt64 = 0, addressHashes: [UInt64] = [],
                meta: [UInt8], body: [UInt8] = []) {
        self.kind = kind
        self.version = version
        self.isCritical = isCritical
        self.messageKey = messageKey
        self.addressHashes = addressHashes
        self.meta = meta
        self.body = body
    }

    /// Bytes that the record takes in the log: what `Log.retain` and `Log.release` count.
    public var storedBytes: Int { RecordHeader.storedBytes(hashes: addressHashes.count, meta: meta.count, body: body.count) }
}

/// A record as it was read back, whole and verified.
public struct LogRecord: Sendable {
    /// Its number.
    public let lsn: LSN
    /// Where it was read; nil when it comes from an archive, which keeps no bodies.
    public let position: RecordPosition?
    /// What the record is about.
    public let kind: UInt8
    /// The form of `meta`.
    public let version: UInt8
    /// The message the record belongs to; 0 for none.
    public let messageKey: UInt64
    /// What the user of the log wrote there.
    public let meta: [UInt8]
    /// What the user of the log wrote there; empty when it comes from an archive.
    public let body: [UInt8]
}

/// A record as recovery hands it out: without its body.
public struct RecoveredRecord: Sendable {
    /// Its number.
    public let lsn: LSN
    /// Where it lies; nil when only the archive still has it.
    public let position: RecordPosition?
    /// What the record is about.
    public let kind: UInt8
    /// The form of `meta`.
    public let version: UInt8
    /// The message the record belongs to; 0 for none.
    public let messageKey: UInt64
    /// What the user of the log wrote there.
    public let meta: [UInt8]
    /// Bytes in the body.
    public let bodyLength: Int
    /// Bytes that the record takes in the log: what `Log.retain` counts.
    public let storedBytes: Int
}

/// When an append counts as done.
public enum Durability: Sendable {
    /// Done when it is in the hands of the operating system; synced with whatever is synced next.
    case unsynced
    /// Done when it is in the hands of the operating system; synced within `LogSettings.outcomeSyncDelay`.
    case written
    /// Done when it is on the disk.
    case synced
}

/// Somebody who waits for an append on another loop than its owner.
public struct AppendWitness: Sendable {
    let loop: any Loop
    let completion: @Sendable (Result<AppendReceipt, StorageError>) -> Void

    /// Tells `completion`, on `loop`, what became of the append.
    public init(on loop: any Loop, completion: @escaping @Sendable (Result<AppendReceipt, StorageError>) -> Void) {
        self.loop = loop
        self.completion = completion
    }
}

/// What an append that succeeded became.
public struct AppendReceipt: Sendable {
    /// The number of the group's first record; the others follow it.
    public let firstLSN: LSN
    /// Where each record of the group lies.
    public let positions: [RecordPosition]

    /// The number of the group's last record.
    public var lastLSN: LSN { firstLSN.advanced(by: max(positions.count, 1) - 1) }
}
