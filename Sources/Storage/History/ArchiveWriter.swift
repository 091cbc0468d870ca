/// Puts an archive together; it is valid once `finish` has returned and the file has its final name.
struct ArchiveWriter: ~Copyable {
    private let file: any StorageFile
    private let seed: UInt32
    private var events = FrameBuffer(capacity: ArchiveFile.blockBytes * 2)
    private var output = FrameBuffer(capacity: ArchiveFile.blockBytes * 2)
    private var written = UInt64(FileHeader.size)
    /// Where the current block begins among all events.
    private var place = 0
    private var keys: [UInt64] = []
    private var hashes: [UInt64] = []
    private var blocks: [UInt64] = []

    init(_ file: any StorageFile, seed: UInt32) {
        self.file = file
        self.seed = seed
    }

    /// Takes an event in.
    mutating func append(_ record: ScannedRecord) throws(FileError) {
        let header = record.header
        if header.messageKey != 0 {
            let place = UInt64(UInt32(truncatingIfNeeded: self.place + events.count))
            keys.append(header.messageKey << 32 | place)
            for hash in record.hashes { hashes.append(hash << 32 | place) }
        }
        let start = events.reserve(ArchiveFile.eventHead + record.meta.count)
        start.put(header.metaLength, at: 0)
        start.put(header.bodyLength, at: 4)
        start.put(header.lsn.rawValue, at: 8)
        start.put(header.messageKey, at: 16)
        start.put(UInt64(0), at: 24)
        start.put(header.kind, at: 24)
        start.put(header.version, at: 25)
        start.put(UInt8(header.isCritical ? 1 : 0), at: 26)
        record.meta.withUnsafeBytes { bytes in
            if let source = bytes.baseAddress { (start + ArchiveFile.eventHead).copyMemory(from: source, byteCount: bytes.count) }
        }
        if events.count >= ArchiveFile.blockBytes { try closeBlock() }
    }

    /// Writes index and header, and syncs the file.
    mutating func finish(_ header: FileHeader) throws(FileError) {
        try closeBlock()
        var header = header
        header.end = written
        keys.sort()
        hashes.sort()
        putIndex()
        header.fileBytes = written + UInt64(output.count)
        try flush()
        try file.write(header.encoded, at: 0)
        try file.synchronize()
    }

    private mutating func closeBlock() throws(FileError) {
        guard events.count > 0 else { return }
        blocks.append(UInt64(UInt32(truncatingIfNeeded: place)) << 32 | written / 16)
        let length = events.count
        if let deflated = Deflate.compress(events.bytes) {
            deflated.withUnsafeBytes { putBlock($0, length: length) }
        } else {
            let stored = [UInt8](events.bytes)
            stored.withUnsafeBytes { putBlock($0, length: length) }
        }
        try flush()
        place += length
        events.removeAll()
    }

    private mutating func putBlock(_ bytes: UnsafeRawBufferPointer, length: Int) {
        let start = output.reserve(ArchiveFile.blockHead)
        start.put(UInt32(truncatingIfNeeded: bytes.count), at: 0)
        start.put(UInt32(truncatingIfNeeded: length), at: 4)
        start.put(ArchiveFile.sum(bytes, length: length, seed: seed), at: 8)
        start.put(UInt32(0), at: 12)
        output.append(bytes)
        output.appendZeros((16 - bytes.count % 16) % 16)
    }

    private mutating func putIndex() {
        let numbers = keys + hashes + blocks
        let start = output.reserve(ArchiveFile.footerSize + numbers.count * 8)
        start.put(UInt32(truncatingIfNeeded: keys.count), at: 0)
        start.put(UInt32(truncatingIfNeeded: hashes.count), at: 4)
        start.put(UInt32(truncatingIfNeeded: blocks.count), at: 8)
        for (index, number) in numbers.enumerated() { start.put(number, at: ArchiveFile.footerSize + index * 8) }
        let sum = ArchiveFile.sum(UnsafeRawBufferPointer(start: start, count: 12), length: numbers.count, seed: seed)
        start.put(sum, at: 12)
    }

    private mutating func flush() throws(FileError) {
        guard output.count > 0 else { return }
        try file.write(at: written, output.bytes, UnsafeRawBufferPointer(start: nil, count: 0))
        written += UInt64(output.count)
        output.removeAll()
    }
}
