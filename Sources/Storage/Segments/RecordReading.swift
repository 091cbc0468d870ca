/// A record read by its position, with all that it carries.
struct StoredRecord: Sendable {
    let lsn: LSN
    let draft: RecordDraft

    /// Why a record could not be read.
    enum Failure: Error {
        case file(FileError)
        case damaged
    }

    /// Reads and verifies the record at `position`.
    static func read(_ position: RecordPosition, in file: any StorageFile, seed: UInt32,
                     expectedBytes: Int) throws(Failure) -> StoredRecord {
        let start = position.byteOffset
        do throws(FileError) {
            var bytes = try file.bytes(at: start, count: min(max(expectedBytes, 4096), 64 << 20))
            guard let header = header(of: bytes, seed: seed) else { throw FileError.damage }
            let needed = header.bodyOffset + Int(header.bodyLength)
            if bytes.count < needed {
                guard start + UInt64(needed) <= (try file.size()) else { throw FileError.damage }
                bytes = try file.bytes(at: start, count: needed)
            }
            guard bytes.count >= needed, let record = record(header, bytes, seed: seed) else { throw FileError.damage }
            return record
        } catch {
            throw error == FileError.damage ? .damaged : .file(error)
        }
    }

    private static func header(of bytes: [UInt8], seed: UInt32) -> RecordHeader? {
        guard bytes.count >= RecordHeader.size else { return nil }
        return bytes.withUnsafeBytes { buffer in
            buffer.baseAddress.flatMap { RecordHeader(at: $0, fileSeed: seed) }
        }
    }

    private static func record(_ header: RecordHeader, _ bytes: [UInt8], seed: UInt32) -> StoredRecord? {
        bytes.withUnsafeBytes { buffer -> StoredRecord? in
            guard let start = buffer.baseAddress, header.metaSum(at: start, fileSeed: seed) == header.metaCRC else { return nil }
            let body = UnsafeRawBufferPointer(start: start + header.bodyOffset, count: Int(header.bodyLength))
            guard RecordHeader.bodySum(body, lsn: header.lsn, fileSeed: seed) == header.bodyCRC else { return nil }
            let meta = UnsafeRawBufferPointer(start: start + header.metaOffset, count: Int(header.metaLength))
            let hashes = (0..<Int(header.hashCount)).map { start.number(at: RecordHeader.size + $0 * 8, as: UInt64.self) }
            return StoredRecord(lsn: header.lsn, draft: RecordDraft(
                kind: header.kind, version: header.version, isCritical: header.isCritical, messageKey: header.messageKey,
                addressHashes: hashes, meta: [UInt8](meta), body: [UInt8](body)))
        }
    }

    /// The record as the log's user sees it.
    func logRecord(at position: RecordPosition?) -> LogRecord {
        LogRecord(lsn: lsn, position: position, kind: draft.kind, version: draft.version, messageKey: draft.messageKey, meta: draft.meta,
                  body: draft.body)
    }
}

extension FileError {
    fileprivate static let damage = FileError("verify", "record", errno: 0)
}
