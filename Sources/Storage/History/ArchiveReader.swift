/// Looks things up in an archive. Blocks and footer carry sums; the index carries none, so that what it leads to is compared.
final class ArchiveReader {
    /// The first 128 bytes.
    let header: FileHeader
    private let file: any StorageFile
    private let seed: UInt32
    private let keyCount: Int
    private let hashCount: Int
    private let blockCount: Int
    private var lastBlock: (place: Int, events: [UInt8])?

    /// Opens an archive; nil when it is not one of this log.
    init?(_ file: any StorageFile, uuid: LogUUID, number: UInt32) throws(FileError) {
        guard case .valid(let header) = try FileHeader.read(file.bytes(at: 0, count: FileHeader.size)), header.purpose == .archive,
              header.uuid == uuid, header.number == number, header.end <= (try file.size()) else { return nil }
        let footer = try file.bytes(at: header.end, count: ArchiveFile.footerSize)
        guard footer.count == ArchiveFile.footerSize else { return nil }
        self.header = header
        self.file = file
        seed = ArchiveFile.seed(uuid, number)
        keyCount = Int(ArchiveReader.number(footer, at: 0, as: UInt32.self))
        hashCount = Int(ArchiveReader.number(footer, at: 4, as: UInt32.self))
        blockCount = Int(ArchiveReader.number(footer, at: 8, as: UInt32.self))
        let sum = footer.withUnsafeBytes { bytes in
            ArchiveFile.sum(UnsafeRawBufferPointer(rebasing: bytes[..<12]), length: keyCount + hashCount + blockCount, seed: seed)
        }
        guard sum == ArchiveReader.number(footer, at: 12) else { return nil }
    }

    /// The events of the message `key`.
    func events(forMessage key: UInt64) throws(FileError) -> [LogRecord] {
        var records: [LogRecord] = []
        for place in try places(of: key, first: 0, count: keyCount) {
            if let record = try event(at: place), record.messageKey == key { records.append(record) }
        }
        return records
    }

    /// The messages with an event that carries `hash`, at most `limit`, newest first.
    func messages(forAddressHash hash: UInt64, limit: Int) throws(FileError) -> [UInt64] {
        var keys: [UInt64] = []
        for place in try places(of: hash, first: keyCount, count: hashCount).reversed() where keys.count < limit {
            if let key = try event(at: place)?.messageKey, key != keys.last { keys.append(key) }
        }
        return keys
    }

    /// Every event in the order of the segment, with the length of its body and whether it is critical; false when a block is damaged.
    func eachEvent(_ visit: (LogRecord, _ bodyLength: Int, _ isCritical: Bool) -> Void) throws(FileError) -> Bool {
        for index in 0..<blockCount {
            let start = Int(try entry(keyCount + hashCount + index) >> 32)
            guard let (_, events) = try block(of: start) else { return false }
            var offset = 0
            while offset < events.count {
                guard let (event, end) = event(in: events, at: offset) else { return false }
                visit(event, Int(ArchiveReader.number(events, at: offset + 4, as: UInt32.self)), events[offset + 26] & 1 != 0)
                offset = end
            }
        }
        return true
    }

    private func event(at place: Int) throws(FileError) -> LogRecord? {
        guard let (start, events) = try block(of: place) else { return nil }
        return event(in: events, at: place - start)?.event
    }

    private func event(in events: [UInt8], at offset: Int) -> (event: LogRecord, end: Int)? {
        guard offset >= 0, offset + ArchiveFile.eventHead <= events.count else { return nil }
        let end = offset + ArchiveFile.eventHead + Int(ArchiveReader.number(events, at: offset, as: UInt32.self))
        guard end <= events.count else { return nil }
        return (LogRecord(lsn: LSN(ArchiveReader.number(events, at: offset + 8)), position: nil, kind: events[offset + 24],
                          version: events[offset + 25], messageKey: ArchiveReader.number(events, at: offset + 16),
                          meta: Array(events[(offset + ArchiveFile.eventHead)..<end]), body: []), end)
    }

    /// The block that holds `place`, with the place of its first event.
    private func block(of place: Int) throws(FileError) -> (place: Int, events: [UInt8])? {
        if let lastBlock, lastBlock.place <= place, place < lastBlock.place + lastBlock.events.count { return lastBlock }
        let list = keyCount + hashCount
        let index = try firstEntry(from: list, count: blockCount) { $0 >> 32 > UInt64(place) } - 1
        guard index >= 0 else { return nil }
        let entry = try self.entry(list + index)
        let offset = (entry & 0xffff_ffff) * 16
        let head = try file.bytes(at: offset, count: ArchiveFile.blockHead)
        guard head.count == ArchiveFile.blockHead else { return nil }
        let stored = Int(ArchiveReader.number(head, at: 0, as: UInt32.self))
        let length = Int(ArchiveReader.number(head, at: 4, as: UInt32.self))
        guard stored <= length, offset + UInt64(ArchiveFile.blockHead + stored) <= header.end else { return nil }
        let bytes = try file.bytes(at: offset + UInt64(ArchiveFile.blockHead), count: stored)
        let sum = bytes.withUnsafeBytes { ArchiveFile.sum($0, length: length, seed: seed) }
        guard bytes.count == stored, sum == ArchiveReader.number(head, at: 8),
              let events = stored == length ? bytes : Deflate.expand(bytes[...], to: length) else { return nil }
        lastBlock = (Int(entry >> 32), events)
        return lastBlock
    }

    /// The places in the lower halves of all entries whose upper half is the lower one of `wanted`.
    private func places(of wanted: UInt64, first: Int, count: Int) throws(FileError) -> [Int] {
        let half = wanted & 0xffff_ffff
        var index = try firstEntry(from: first, count: count) { $0 >> 32 >= half }
        var places: [Int] = []
        while index < count {
            let entry = try self.entry(first + index)
            guard entry >> 32 == half else { break }
            places.append(Int(entry & 0xffff_ffff))
            index += 1
        }
        return places
    }

    /// The first of `count` sorted entries that `isReached` holds for, counted from `start`; `count` when there is none.
    private func firstEntry(from start: Int, count: Int, _ isReached: (UInt64) -> Bool) throws(FileError) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isReached(try entry(start + middle)) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func entry(_ index: Int) throws(FileError) -> UInt64 {
        let bytes = try file.bytes(at: header.end + UInt64(ArchiveFile.footerSize + index * 8), count: 8)
        return bytes.count == 8 ? ArchiveReader.number(bytes, at: 0) : .max
    }

    private static func number<Number: FixedWidthInteger & BitwiseCopyable>(_ bytes: [UInt8], at offset: Int,
                                                                            as type: Number.Type = Number.self) -> Number {
        bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type)) }
    }
}
