import Ports

/// Finds records by message and messages by address, in the archives and in the segments that are not yet archived.
public final class LogReader: Sendable {
    private let context: LogContext

    init(context: LogContext) { self.context = context }

    /// Every record of the message `key`, oldest first, on `loop`; archived ones come without their bodies.
    public func records(forMessage key: UInt64, on loop: any Loop,
                        completion: @escaping @Sendable (Result<[LogRecord], StorageError>) -> Void) {
        context.executor.submit(to: .reader) { [self] in
            let result = answer { () throws(FileError) in try records(forMessage: key) }
            loop.execute { completion(result) }
        }
    }

    /// The keys of the last `limit` messages with a record that carries `hash`, newest first, on `loop`.
    public func messages(forAddressHash hash: UInt64, limit: Int, on loop: any Loop,
                         completion: @escaping @Sendable (Result<[UInt64], StorageError>) -> Void) {
        context.executor.submit(to: .reader) { [self] in
            let result = answer { () throws(FileError) in try messages(forAddressHash: hash, limit: limit) }
            loop.execute { completion(result) }
        }
    }

    private func answer<Value>(_ work: () throws(FileError) -> Value) -> Result<Value, StorageError> {
        do throws(FileError) {
            return .success(try work())
        } catch {
            return .failure(.unreadable(errno: error.errno))
        }
    }

    private func records(forMessage key: UInt64) throws(FileError) -> [LogRecord] {
        var records: [LSN: LogRecord] = [:]
        try eachArchive { (archive) throws(FileError) in
            for record in try archive.events(forMessage: key) { records[record.lsn] = record }
        }
        try eachUnarchivedRecord { (record, segment, file) throws(FileError) in
            guard record.header.messageKey == key else { return }
            let position = RecordPosition(segment: segment.number, offset: UInt32(truncatingIfNeeded: record.offset / 64))
            let seed = context.uuid.seed(file: segment.number)
            guard let whole = try? StoredRecord.read(position, in: file, seed: seed, expectedBytes: record.header.storedBytes) else { return }
            records[record.header.lsn] = whole.logRecord(at: position)
        }
        return records.values.sorted { $0.lsn < $1.lsn }
    }

    private func messages(forAddressHash hash: UInt64, limit: Int) throws(FileError) -> [UInt64] {
        var keys = Set<UInt64>()
        try eachArchive { (archive) throws(FileError) in
            keys.formUnion(try archive.messages(forAddressHash: hash, limit: limit))
        }
        try eachUnarchivedRecord { (record, _, _) throws(FileError) in
            if record.header.messageKey != 0, record.hashes.contains(hash) { keys.insert(record.header.messageKey) }
        }
        return Array(keys.sorted(by: >).prefix(limit))
    }

    private func eachArchive(_ visit: (ArchiveReader) throws(FileError) -> Void) throws(FileError) {
        for entry in try context.archives.list() {
            guard let number = ArchiveFile.number(entry.name) else { continue }
            // One that is damaged or has just expired must not hide the others.
            guard let file = try? context.archives.open(entry.name, for: .reading),
                  let archive = try? ArchiveReader(file, uuid: context.uuid, number: number) else { continue }
            try? visit(archive)
        }
    }

    private func eachUnarchivedRecord(
        _ visit: (ScannedRecord, SegmentTable.Entry, any StorageFile) throws(FileError) -> Void
    ) throws(FileError) {
        for segment in context.table.all where segment.purpose == .segment && !segment.isArchived {
            guard let file = try context.table.file(segment.number) else { continue }
            var scanner = SegmentScanner(file, seed: context.uuid.seed(file: segment.number), to: segment.end, bodies: .none)
            while let item = try scanner.next() {
                guard case .group(let group) = item else { continue }
                for record in group { try visit(record, segment, file) }
            }
        }
    }
}
