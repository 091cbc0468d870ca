/// The form of `archive/archive-<segment>`: the events of a segment without their bodies, with an index.
///
/// ```
/// file header | events | key count, hash count, CRC of the index, CRC of this | keys | hashes
/// event: CRC, meta length, LSN, message key, body length, kind, version, critical, zero, meta
/// key:   message key, offset of the event, zero        hash:  address hash, message key
/// ```
/// Keys and hashes are sorted, so that one look-up costs a few reads of a page.
enum ArchiveFile {
    /// The directory's name in the spool.
    static let directory = "archive"
    static let eventHead = 32
    static let footerSize = 16
    static let indexEntry = 16
    private static let prefix = "archive-"

    static func name(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return prefix + String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// The number of the segment whose events a file of this name holds.
    static func number(_ name: String) -> UInt32? {
        guard name.hasPrefix(prefix), name.utf8.count == prefix.utf8.count + 8 else { return nil }
        return UInt32(name.dropFirst(prefix.count), radix: 16)
    }

    /// The seed of an archive's sums: another than that of the segment with the same number.
    static func seed(_ uuid: LogUUID, _ number: UInt32) -> UInt32 {
        var crc = CRC32C(seed: uuid.seed(file: number))
        crc.add(FileHeader.Purpose.archive.rawValue)
        return crc.value
    }

    /// The sum of an event that lies at `start`.
    static func sum(_ start: UnsafeRawPointer, metaLength: Int, seed: UInt32) -> UInt32 {
        var crc = CRC32C(seed: seed)
        crc.add(UnsafeRawBufferPointer(start: start + 4, count: eventHead - 4 + metaLength))
        return ~crc.value
    }
}

/// Puts an archive together; it is valid once `finish` has returned and the file has its final name.
struct ArchiveWriter: ~Copyable {
    private static let flushBytes = 1 << 20

    private let file: any StorageFile
    private let seed: UInt32
    private var buffer = FrameBuffer(capacity: flushBytes + (64 << 10))
    private var written = UInt64(FileHeader.size)
    private var keys: [(key: UInt64, offset: UInt32)] = []
    private var hashes: [(hash: UInt64, key: UInt64)] = []

    init(_ file: any StorageFile, seed: UInt32) {
        self.file = file
        self.seed = seed
    }

    /// Takes an event in.
    mutating func append(_ record: ScannedRecord) throws(FileError) {
        let header = record.header
        if header.messageKey != 0 {
            keys.append((header.messageKey, UInt32(truncatingIfNeeded: written + UInt64(buffer.count))))
            for hash in record.hashes { hashes.append((hash, header.messageKey)) }
        }
        let start = buffer.reserve(ArchiveFile.eventHead + record.meta.count)
        start.put(header.metaLength, at: 4)
        start.put(header.lsn.rawValue, at: 8)
        start.put(header.messageKey, at: 16)
        start.put(header.bodyLength, at: 24)
        start.put(header.kind, at: 28)
        start.put(header.version, at: 29)
        start.put(UInt8(header.isCritical ? 1 : 0), at: 30)
        start.put(UInt8(0), at: 31)
        record.meta.withUnsafeBytes { bytes in
            if let source = bytes.baseAddress { (start + ArchiveFile.eventHead).copyMemory(from: source, byteCount: bytes.count) }
        }
        start.put(ArchiveFile.sum(UnsafeRawPointer(start), metaLength: record.meta.count, seed: seed), at: 0)
        if buffer.count >= ArchiveWriter.flushBytes { try flush() }
    }

    /// Writes index and header, and syncs the file.
    mutating func finish(_ header: FileHeader) throws(FileError) {
        try flush()
        var header = header
        header.end = written
        keys.sort { ($0.key, $0.offset) < ($1.key, $1.offset) }
        hashes.sort { ($0.hash, $0.key) < ($1.hash, $1.key) }
        putIndex()
        header.fileBytes = written + UInt64(buffer.count)
        try flush()
        try file.write(header.encoded, at: 0)
        try file.synchronize()
    }

    private mutating func putIndex() {
        let count = keys.count + hashes.count
        let start = buffer.reserve(ArchiveFile.footerSize + count * ArchiveFile.indexEntry)
        start.put(UInt32(truncatingIfNeeded: keys.count), at: 0)
        start.put(UInt32(truncatingIfNeeded: hashes.count), at: 4)
        var offset = ArchiveFile.footerSize
        for (key, place) in keys {
            start.put(key, at: offset)
            start.put(UInt64(place), at: offset + 8)
            offset += ArchiveFile.indexEntry
        }
        for (hash, key) in hashes {
            start.put(hash, at: offset)
            start.put(key, at: offset + 8)
            offset += ArchiveFile.indexEntry
        }
        var index = CRC32C(seed: seed)
        index.add(UnsafeRawBufferPointer(start: start + ArchiveFile.footerSize, count: offset - ArchiveFile.footerSize))
        start.put(~index.value, at: 8)
        var footer = CRC32C(seed: seed)
        footer.add(UnsafeRawBufferPointer(start: start, count: 12))
        start.put(~footer.value, at: 12)
    }

    private mutating func flush() throws(FileError) {
        guard buffer.count > 0 else { return }
        try file.write(at: written, buffer.bytes, UnsafeRawBufferPointer(start: nil, count: 0))
        written += UInt64(buffer.count)
        buffer.removeAll()
    }
}

/// Looks things up in an archive; every sum is checked, and nothing in the file is taken at its word.
struct ArchiveReader {
    /// The first header's fields.
    let header: FileHeader
    private let file: any StorageFile
    private let seed: UInt32
    private let keyCount: Int
    private let hashCount: Int

    /// Opens an archive; nil when it is not one of this log.
    init?(_ file: any StorageFile, uuid: LogUUID, number: UInt32) throws(FileError) {
        guard case .valid(let header) = try FileHeader.read(file.bytes(at: 0, count: FileHeader.size)), header.purpose == .archive,
              header.uuid == uuid, header.number == number else { return nil }
        self.header = header
        self.file = file
        seed = ArchiveFile.seed(uuid, number)
        let footer = try file.bytes(at: header.end, count: ArchiveFile.footerSize)
        guard footer.count == ArchiveFile.footerSize else { return nil }
        var crc = CRC32C(seed: seed)
        footer.withUnsafeBytes { crc.add(UnsafeRawBufferPointer(rebasing: $0[..<12])) }
        guard ~crc.value == ArchiveReader.number(footer, at: 12) else { return nil }
        keyCount = Int(ArchiveReader.number(footer, at: 0, as: UInt32.self))
        hashCount = Int(ArchiveReader.number(footer, at: 4, as: UInt32.self))
    }

    /// The events of the message `key`.
    func events(forMessage key: UInt64) throws(FileError) -> [LogRecord] {
        var records: [LogRecord] = []
        for offset in try values(of: key, first: 0, count: keyCount) {
            if let record = try event(at: offset) { records.append(record) }
        }
        return records
    }

    /// The messages with an event that carries `hash`, at most `limit`, newest first.
    func messages(forAddressHash hash: UInt64, limit: Int) throws(FileError) -> [UInt64] {
        try values(of: hash, first: keyCount, count: hashCount).reversed().prefix(limit).map { $0 }
    }

    private func event(at offset: UInt64) throws(FileError) -> LogRecord? {
        let first = try file.bytes(at: offset, count: 1024)
        guard first.count >= ArchiveFile.eventHead else { return nil }
        let length = Int(ArchiveReader.number(first, at: 4, as: UInt32.self))
        let needed = ArchiveFile.eventHead + length
        guard offset + UInt64(needed) <= header.end else { return nil }
        let bytes = first.count >= needed ? first : try file.bytes(at: offset, count: needed)
        guard bytes.count >= needed else { return nil }
        let sum = bytes.withUnsafeBytes { $0.baseAddress.map { ArchiveFile.sum($0, metaLength: length, seed: seed) } }
        guard sum == ArchiveReader.number(bytes, at: 0) else { return nil }
        return LogRecord(lsn: LSN(ArchiveReader.number(bytes, at: 8)), position: nil, kind: bytes[28], version: bytes[29],
                         messageKey: ArchiveReader.number(bytes, at: 16), meta: Array(bytes[ArchiveFile.eventHead..<needed]), body: [])
    }

    /// The second numbers of all index entries whose first is `wanted`, in a sorted part of the index.
    private func values(of wanted: UInt64, first: Int, count: Int) throws(FileError) -> [UInt64] {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if try entry(first + middle).0 < wanted { low = middle + 1 } else { high = middle }
        }
        var values: [UInt64] = []
        while low < count {
            let (key, value) = try entry(first + low)
            guard key == wanted else { break }
            values.append(value)
            low += 1
        }
        return values
    }

    private func entry(_ index: Int) throws(FileError) -> (UInt64, UInt64) {
        let bytes = try file.bytes(at: header.end + UInt64(ArchiveFile.footerSize + index * ArchiveFile.indexEntry),
                                   count: ArchiveFile.indexEntry)
        guard bytes.count == ArchiveFile.indexEntry else { return (.max, 0) }
        return (ArchiveReader.number(bytes, at: 0), ArchiveReader.number(bytes, at: 8))
    }

    private static func number<Number: FixedWidthInteger & BitwiseCopyable>(_ bytes: [UInt8], at offset: Int,
                                                                            as type: Number.Type = Number.self) -> Number {
        bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type)) }
    }
}
