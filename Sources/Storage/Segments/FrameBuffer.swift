/// Memory in which records are put together for writing; grows, and is used again and again.
struct FrameBuffer: ~Copyable {
    private var memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(capacity: Int = 256 << 10) {
        memory = .allocate(byteCount: capacity, alignment: 4096)
    }

    deinit { memory.deallocate() }

    /// What has been put in.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Forgets what has been put in.
    mutating func removeAll() { count = 0 }

    /// Makes room for `size` more bytes and returns their place, valid until the next call.
    mutating func reserve(_ size: Int) -> UnsafeMutableRawPointer {
        let needed = count + size
        if needed > memory.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(needed, memory.count * 2), alignment: 4096)
            larger.copyMemory(from: bytes)
            memory.deallocate()
            memory = larger
        }
        defer { count = needed }
        guard let base = memory.baseAddress else { preconditionFailure("allocated memory has an address") }
        return base + count
    }

    /// Puts `size` zeros in.
    mutating func appendZeros(_ size: Int) {
        reserve(size).initializeMemory(as: UInt8.self, repeating: 0, count: size)
    }

    /// Puts header, hashes and meta bytes of a record in.
    mutating func appendHead(_ header: RecordHeader, hashes: [UInt64], meta: [UInt8], fileSeed: UInt32) {
        let start = reserve(header.bodyOffset)
        header.put(at: start, fileSeed: fileSeed)
        var offset = RecordHeader.size
        for hash in hashes {
            start.put(hash, at: offset)
            offset += 8
        }
        meta.withUnsafeBytes { if let source = $0.baseAddress { (start + offset).copyMemory(from: source, byteCount: $0.count) } }
        start.put(header.metaSum(at: UnsafeRawPointer(start), fileSeed: fileSeed), at: 4)
    }

    /// Puts `body` in.
    mutating func append(_ body: UnsafeRawBufferPointer) {
        guard let source = body.baseAddress else { return }
        reserve(body.count).copyMemory(from: source, byteCount: body.count)
    }
}

/// Writes records one behind the other into a file: small ones gathered in memory, large bodies from where they are.
struct RecordSink: ~Copyable {
    /// Bodies above this size are not copied.
    private static let copyLimit = 16 << 10
    /// The buffer is written when it holds as much.
    private static let flushBytes = 1 << 20

    private var buffer = FrameBuffer()
    private var file: (any StorageFile)?
    private var fileSeed: UInt32 = 0
    private var written: UInt64 = 0

    /// Where the next record will begin.
    var end: UInt64 { written + UInt64(buffer.count) }

    /// Goes on at `offset` of `file`; what was not flushed is dropped.
    mutating func aim(at file: any StorageFile, seed: UInt32, offset: UInt64) {
        self.file = file
        fileSeed = seed
        written = offset
        buffer.removeAll()
    }

    /// Takes a record in and returns the offset of its first byte.
    mutating func append(_ draft: RecordDraft, lsn: LSN, groupIndex: Int, groupCount: Int) throws(FileError) -> UInt64 {
        let start = end
        let bodyCRC = draft.body.withUnsafeBytes { RecordHeader.bodySum($0, lsn: lsn, fileSeed: fileSeed) }
        let header = RecordHeader(draft: draft, lsn: lsn, bodyCRC: bodyCRC, groupIndex: UInt16(truncatingIfNeeded: groupIndex),
                                  groupCount: UInt16(truncatingIfNeeded: groupCount))
        buffer.appendHead(header, hashes: draft.addressHashes, meta: draft.meta, fileSeed: fileSeed)
        if draft.body.count > RecordSink.copyLimit {
            try write(with: draft.body)
        } else {
            draft.body.withUnsafeBytes { buffer.append($0) }
        }
        buffer.appendZeros(header.storedBytes - header.bodyOffset - draft.body.count)
        if buffer.count >= RecordSink.flushBytes { try write(with: []) }
        return start
    }

    /// Writes what is gathered.
    mutating func flush() throws(FileError) {
        if buffer.count > 0 { try write(with: []) }
    }

    private mutating func write(with body: [UInt8]) throws(FileError) {
        guard let file else { preconditionFailure("a sink is aimed before it is used") }
        var failure: FileError?
        body.withUnsafeBytes { body in
            do throws(FileError) {
                try file.write(at: written, buffer.bytes, body)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        written += UInt64(buffer.count + body.count)
        buffer.removeAll()
    }
}
