import Synchronization

/// The segments and body files that exist, and how much of each is live.
final class SegmentTable: Sendable {
    /// A segment or body file.
    struct Entry: Sendable {
        var purpose: FileHeader.Purpose
        var state: State
        var fileBytes: UInt64
        /// Where the records end, as far as they are written.
        var end: UInt64
        var firstLSN: LSN
        var lastLSN: LSN
        var live = 0
        var isArchived = false
        /// Parts of it could not be read: it is never freed.
        var isPinned = false
        var file: (any StorageFile)?

        var name: String { SegmentTable.name(number, purpose) }
        let number: UInt32
    }

    /// What may happen to a file.
    enum State: Sendable {
        /// It is appended to.
        case active
        /// It is whole and synced.
        case sealed
        /// The disk failed under it: what was not synced is not to be trusted.
        case abandoned
    }

    private struct Contents {
        var entries: [UInt32: Entry] = [:]
        var nextNumber: UInt32 = 1
        var openFiles = 0
    }

    /// Descriptors that are kept open for reading.
    private static let maxOpenFiles = 256

    private let files: any FileLayer
    private let contents = Mutex(Contents())

    init(files: any FileLayer) { self.files = files }

    static func name(_ number: UInt32, _ purpose: FileHeader.Purpose) -> String {
        let digits = String(number, radix: 16)
        let padded = String(repeating: "0", count: 8 - digits.count) + digits
        return purpose == .bodies ? "bodies-\(padded)" : "segment-\(padded)"
    }

    /// A number that no file had before.
    func takeNumber() -> UInt32 {
        contents.withLock { contents in
            defer { contents.nextNumber += 1 }
            return contents.nextNumber
        }
    }

    /// Keeps numbers up to `number` from being given again.
    func reserveNumbers(through number: UInt32) {
        contents.withLock { $0.nextNumber = max($0.nextNumber, number &+ 1) }
    }

    /// The number that will be given next.
    var nextNumber: UInt32 { contents.withLock { $0.nextNumber } }

    func insert(_ entry: Entry) {
        contents.withLock { contents in
            if entry.file != nil { contents.openFiles += 1 }
            contents.entries[entry.number] = entry
        }
    }

    func update(_ number: UInt32, _ change: (inout Entry) -> Void) {
        contents.withLock { contents in
            guard var entry = contents.entries.removeValue(forKey: number) else { return }
            change(&entry)
            contents.entries[number] = entry
        }
    }

    subscript(number: UInt32) -> Entry? { contents.withLock { $0.entries[number] } }

    /// Every entry, oldest first.
    var all: [Entry] {
        contents.withLock { Array($0.entries.values) }.sorted { ($0.firstLSN, $0.number) < ($1.firstLSN, $1.number) }
    }

    /// Takes a file out; reads of it fail with `.gone` from now on.
    func remove(_ number: UInt32) {
        contents.withLock { contents in
            if contents.entries.removeValue(forKey: number)?.file != nil { contents.openFiles -= 1 }
        }
    }

    /// Changes the live bytes of a file and returns what they are now.
    @discardableResult
    func addLive(_ bytes: Int, to number: UInt32) -> Int {
        contents.withLock { contents in
            guard let live = contents.entries[number]?.live else { return 0 }
            contents.entries[number]?.live = live &+ bytes
            return live &+ bytes
        }
    }

    /// The open file `number`, or nil when it has been freed.
    func file(_ number: UInt32) throws(FileError) -> (any StorageFile)? {
        guard let entry = self[number] else { return nil }
        if let file = entry.file { return file }
        let file = try files.open(entry.name, for: .reading)
        contents.withLock { contents in
            if contents.openFiles >= SegmentTable.maxOpenFiles {
                // Which ones is of no importance: reads of old mail are spread over all of them.
                for (number, entry) in contents.entries where entry.state != .active { contents.entries[number]?.file = nil }
                contents.openFiles = contents.entries.values.count { $0.file != nil }
            }
            if contents.entries[number] != nil {
                contents.entries[number]?.file = file
                contents.openFiles += 1
            }
        }
        return file
    }
}
