/// A part of a file in memory, read ahead as the access pattern suggests.
private struct FileWindow: ~Copyable {
    private static let nearBytes = 256 << 10
    private static let farBytes = 8 << 10

    private let file: any StorageFile
    private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: nearBytes, alignment: 4096)
    private var start: UInt64 = 0
    private var count = 0

    init(_ file: any StorageFile) { self.file = file }

    deinit { memory.deallocate() }

    /// The `size` bytes at `offset`, valid until the next call; nil when the file ends before.
    mutating func bytes(at offset: UInt64, _ size: Int) throws(FileError) -> UnsafeRawPointer? {
        if offset < start || offset + UInt64(size) > start + UInt64(count) { try load(offset, size) }
        guard offset + UInt64(size) <= start + UInt64(count), let base = memory.baseAddress else { return nil }
        return UnsafeRawPointer(base + Int(offset - start))
    }

    private mutating func load(_ offset: UInt64, _ size: Int) throws(FileError) {
        // Small records are read in one sweep; large bodies are hopped over.
        let isNear = offset >= start && offset <= start + UInt64(count) + UInt64(FileWindow.farBytes)
        let wanted = max(size, isNear ? FileWindow.nearBytes : FileWindow.farBytes)
        if wanted > memory.count {
            memory.deallocate()
            memory = .allocate(byteCount: wanted, alignment: 4096)
        }
        count = 0
        start = offset
        count = try file.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: memory[..<wanted]))
    }
}

/// A record in a file, without its body.
struct ScannedRecord {
    let header: RecordHeader
    let offset: UInt64
    let hashes: [UInt64]
    let meta: [UInt8]
}

/// Goes from group to group through a segment.
struct SegmentScanner: ~Copyable {
    /// What lies next in the file.
    enum Item {
        /// A whole group.
        case group([ScannedRecord])
        /// Bytes that are not a group, with a group behind them.
        case damage(Range<UInt64>)
    }

    /// Which bodies are read and verified.
    enum BodyCheck {
        case none, all
    }

    private static let bodyPiece = 1 << 20

    private var window: FileWindow
    private let seed: UInt32
    private let end: UInt64
    private let bodyCheck: BodyCheck
    private var found: [ScannedRecord]?

    /// Where the next item begins; after the last item, where the records end.
    private(set) var offset: UInt64
    /// Whether the records end in a part of a group.
    private(set) var isTorn = false

    /// A scan of the records between two offsets of a file whose records have `seed`.
    init(_ file: any StorageFile, seed: UInt32, from start: UInt64 = FileHeader.recordsOffset, to end: UInt64, bodies: BodyCheck) {
        window = FileWindow(file)
        self.seed = seed
        self.end = end
        bodyCheck = bodies
        offset = start
    }

    /// The next item, or nil at the end of the records.
    mutating func next() throws(FileError) -> Item? {
        if let group = found {
            found = nil
            return .group(group)
        }
        if let group = try group(at: offset) {
            advance(past: group)
            return .group(group)
        }
        var probe = offset + UInt64(RecordHeader.alignment)
        // A record whose header is whole tells how far to go: nothing within a body is taken for a record.
        if let header = try header(at: offset) {
            isTorn = true
            let next = offset + UInt64(header.storedBytes)
            if next <= end { probe = next }
        }
        while probe + UInt64(RecordHeader.size) <= end {
            if let group = try group(at: probe) {
                let damage = offset..<probe
                isTorn = false
                offset = probe
                advance(past: group)
                found = group
                return .damage(damage)
            }
            probe += UInt64(RecordHeader.alignment)
        }
        return nil
    }

    private mutating func advance(past group: [ScannedRecord]) {
        if let last = group.last { offset = last.offset + UInt64(last.header.storedBytes) }
    }

    private mutating func header(at offset: UInt64) throws(FileError) -> RecordHeader? {
        guard offset + UInt64(RecordHeader.size) <= end, let start = try window.bytes(at: offset, RecordHeader.size) else { return nil }
        return RecordHeader(at: start, fileSeed: seed)
    }

    /// The whole group that begins at `start`.
    private mutating func group(at start: UInt64) throws(FileError) -> [ScannedRecord]? {
        guard let first = try record(at: start), first.header.groupIndex == 0 else { return nil }
        var group = [first]
        var next = start + UInt64(first.header.storedBytes)
        while group.count < Int(first.header.groupCount) {
            guard let record = try record(at: next), Int(record.header.groupIndex) == group.count,
                  record.header.groupCount == first.header.groupCount,
                  record.header.lsn == first.header.lsn.advanced(by: group.count) else { return nil }
            group.append(record)
            next += UInt64(record.header.storedBytes)
        }
        return group
    }

    private mutating func record(at offset: UInt64) throws(FileError) -> ScannedRecord? {
        guard let header = try header(at: offset), offset + UInt64(header.storedBytes) <= end,
              let start = try window.bytes(at: offset, header.bodyOffset),
              header.metaSum(at: start, fileSeed: seed) == header.metaCRC else { return nil }
        let hashes = (0..<Int(header.hashCount)).map { start.number(at: RecordHeader.size + $0 * 8, as: UInt64.self) }
        let meta = [UInt8](UnsafeRawBufferPointer(start: start + header.metaOffset, count: Int(header.metaLength)))
        if bodyCheck == .all, try bodySum(header, at: offset) != header.bodyCRC { return nil }
        return ScannedRecord(header: header, offset: offset, hashes: hashes, meta: meta)
    }

    private mutating func bodySum(_ header: RecordHeader, at offset: UInt64) throws(FileError) -> UInt32? {
        var crc = CRC32C(seed: RecordHeader.seed(file: seed, lsn: header.lsn))
        var place = offset + UInt64(header.bodyOffset)
        var rest = Int(header.bodyLength)
        while rest > 0 {
            let piece = min(rest, SegmentScanner.bodyPiece)
            guard let start = try window.bytes(at: place, piece) else { return nil }
            crc.add(UnsafeRawBufferPointer(start: start, count: piece))
            place += UInt64(piece)
            rest -= piece
        }
        return ~crc.value
    }
}
