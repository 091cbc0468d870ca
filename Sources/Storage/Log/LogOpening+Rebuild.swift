/// Without a checkpoint that counts, the state is made anew from all events that are kept: those of segments that are gone
/// from the archives, with the positions of their bodies from the body files.
extension LogOpening {
    /// An archive whose segment is gone.
    struct FoundArchive {
        let reader: ArchiveReader
        let name: String
        var firstLSN: LSN { reader.header.firstLSN }
    }

    /// The archives to replay, newest first.
    mutating func findArchives(without segments: [FoundSegment]) throws(LogOpenError) -> [FoundArchive] {
        let directory = try disk { () throws(FileError) in try files.subdirectory(ArchiveFile.directory) }
        let present = Set(segments.map(\.number))
        var archives: [FoundArchive] = []
        for entry in try disk({ () throws(FileError) in try directory.list() }) {
            guard let number = ArchiveFile.number(entry.name), !present.contains(number) else { continue }
            let file = try? directory.open(entry.name, for: .reading)
            guard let file, let reader = try? ArchiveReader(file, uuid: uuid, number: number) else {
                report.damage.append("archive \(entry.name) cannot be read: left alone")
                continue
            }
            archives.append(FoundArchive(reader: reader, name: entry.name))
        }
        if !archives.isEmpty { copies = findCopies() }
        return archives.sorted { $0.firstLSN > $1.firstLSN }
    }

    /// Where the records in the body files are, by LSN.
    private mutating func findCopies() -> [LSN: (position: RecordPosition, bytes: Int)] {
        var copies: [LSN: (position: RecordPosition, bytes: Int)] = [:]
        for entry in table.all where entry.purpose == .bodies {
            guard let file = try? table.file(entry.number) else { continue }
            var scanner = SegmentScanner(file, seed: uuid.seed(file: entry.number), to: entry.fileBytes, bodies: .none)
            while let item = try? scanner.next() {
                guard case .group(let group) = item else { continue }
                for record in group {
                    let position = RecordPosition(segment: entry.number, offset: UInt32(truncatingIfNeeded: record.offset / 64))
                    copies[record.header.lsn] = (position, record.header.storedBytes)
                }
            }
        }
        return copies
    }

    /// Replays the events of an archive.
    mutating func replay(_ archive: FoundArchive, with pass: inout ReplayPass) throws(LogOpenError) {
        let copies = copies
        var candidates: [ReplayPass.Candidate] = []
        let isWhole = try? archive.reader.eachEvent { event, bodyLength, isCritical in
            let copy = copies[event.lsn]
            let record = RecoveredRecord(lsn: event.lsn, position: copy?.position, kind: event.kind, version: event.version,
                                         messageKey: event.messageKey, meta: event.meta, bodyLength: bodyLength, storedBytes: copy?.bytes ?? 0)
            candidates.append(ReplayPass.Candidate(record: record, isCritical: isCritical, file: archive.name,
                                                   release: archive.reader.header.release))
        }
        if isWhole != true { report.damage.append("\(archive.name) is damaged: what could be read of it was replayed") }
        candidates.sort { $0.record.lsn < $1.record.lsn }
        try pass.add(candidates, isFinal: false)
    }
}
