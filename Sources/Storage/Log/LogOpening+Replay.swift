/// Hands records out in the order of their numbers, each once.
struct ReplayPass {
    /// A record with what decides whether it can be handed out.
    struct Candidate {
        let record: RecoveredRecord
        let isCritical: Bool
        /// The file it comes from and the release that wrote it.
        let file: String
        let release: String
    }

    private let knows: (UInt8, UInt8) -> Bool
    private let replay: (RecoveryItem) -> Void
    private var held: [Candidate] = []
    private var heldLast = LSN.zero
    private var heldFile = ""
    private(set) var last: LSN
    private(set) var records = 0
    private(set) var skipped = 0

    init(through: LSN, knows: @escaping (UInt8, UInt8) -> Bool, replay: @escaping (RecoveryItem) -> Void) {
        self.knows = knows
        self.replay = replay
        last = through
    }

    /// Takes a group in. What a segment holds that the disk failed under may be written again, with the same numbers, in
    /// the next: such records, which are not final, wait until the numbers go past them.
    mutating func add(_ group: [Candidate], isFinal: Bool) throws(LogOpenError) {
        guard let first = group.first, let end = group.last else { return }
        // Not within one file: what is missing between two groups of it comes with the next.
        if !held.isEmpty, first.record.lsn > heldLast, isFinal || first.file != heldFile { try flush() }
        if isFinal, held.isEmpty {
            for candidate in group { try hand(candidate) }
        } else {
            held += group
            if !isFinal {
                heldLast = max(heldLast, end.record.lsn)
                heldFile = first.file
            }
        }
    }

    /// Hands out what waits.
    mutating func flush() throws(LogOpenError) {
        let waiting = held.sorted { $0.record.lsn < $1.record.lsn }
        held = []
        heldLast = .zero
        for candidate in waiting { try hand(candidate) }
    }

    private mutating func hand(_ candidate: Candidate) throws(LogOpenError) {
        let record = candidate.record
        guard record.lsn > last else { return }
        last = record.lsn
        if knows(record.kind, record.version) {
            records += 1
            replay(.record(record))
        } else if candidate.isCritical {
            throw .unknownCritical(file: candidate.file, kind: record.kind, version: record.version, writtenBy: candidate.release)
        } else {
            skipped += 1
        }
    }
}

extension LogOpening {
    /// Replays what lies after the checkpoint and notes every segment in the table.
    mutating func replaySegments(_ segments: [FoundSegment], with pass: inout ReplayPass) throws(LogOpenError) {
        let through = pass.last
        var archives = try through == .zero ? findArchives(without: segments) : []
        for (index, segment) in segments.enumerated() {
            while let archive = archives.last, archive.firstLSN <= segment.header.firstLSN {
                try replay(archive, with: &pass)
                archives.removeLast()
            }
            let isLast = index == segments.count - 1
            if !isLast, segments[index + 1].header.firstLSN <= through.advanced(by: 1) {
                // Covered by the checkpoint: it serves reads only.
                let last = segment.isSealed ? segment.header.lastLSN : segments[index + 1].header.firstLSN.advanced(by: -1)
                note(segment, last: last, end: segment.isSealed ? segment.header.end : segment.header.fileBytes)
            } else {
                try replay(segment, before: isLast ? nil : segments[index + 1].header.firstLSN, with: &pass)
            }
        }
        for archive in archives.reversed() { try replay(archive, with: &pass) }
        try pass.flush()
    }

    /// Replays a segment; `next` is where the next one begins, nil for the last.
    private mutating func replay(_ segment: FoundSegment, before next: LSN?, with pass: inout ReplayPass) throws(LogOpenError) {
        let isTrusted = segment.isSealed
        let isLast = next == nil
        let end = isTrusted ? segment.header.end : segment.header.fileBytes
        var scanner = SegmentScanner(segment.file, seed: uuid.seed(file: segment.number), to: end, bodies: isTrusted ? .none : .all)
        var lastLSN = LSN.zero
        var holes: [Range<UInt64>] = []
        var isReadable = true
        while let item = self.next(&scanner, in: segment, &isReadable) {
            switch item {
            case .damage(let range): holes.append(range)
            case .group(let group):
                let last = group.last?.header.lsn ?? .zero
                lastLSN = max(lastLSN, last)
                // What the disk failed under keeps its holes when it is closed by a start: the next one must not go past
                // them either, as the segment behind it has what is missing.
                let isAlone = next.map { last < $0 } ?? true
                try pass.add(group.map { $0.candidate(of: segment) }, isFinal: isAlone && (isTrusted || isLast))
            }
        }
        if isTrusted, scanner.offset < end { holes.append(scanner.offset..<end) }
        let kept = holes.map { quarantine.keep($0, of: segment.file, name: segment.name) }
        report.damage += kept.map(\.text)
        replayedBytes += Int(clamping: scanner.offset)
        var done = segment
        if isLast, !isTrusted { report.tornTail = scanner.isTorn }
        if !isTrusted, isReadable, kept.allSatisfy(\.isKept) {
            done = repair(segment, to: scanner.offset, lastLSN: max(lastLSN, segment.header.firstLSN), without: holes)
        }
        note(done, last: isTrusted ? segment.header.lastLSN : lastLSN, end: done.isSealed ? done.header.end : end, isReadable: isReadable)
    }

    private mutating func next(_ scanner: inout SegmentScanner, in segment: FoundSegment, _ isReadable: inout Bool) -> SegmentScanner.Item? {
        do throws(FileError) {
            return try scanner.next()
        } catch {
            report.damage.append("\(segment.name) cannot be read behind byte \(scanner.offset) (\(error)): kept")
            isReadable = false
            return nil
        }
    }

    /// Closes a segment behind its last whole record, where the disk lets us; otherwise it is verified again at the next start.
    private mutating func repair(_ segment: FoundSegment, to end: UInt64, lastLSN: LSN, without holes: [Range<UInt64>]) -> FoundSegment {
        var sealed = segment
        sealed.header.end = end
        sealed.header.lastLSN = lastLSN
        do throws(FileError) {
            let file = try files.open(segment.name, for: .writing)
            // What was torn is blotted out: no later recovery, which trusts sealed segments, must take half a record for a whole one.
            for hole in holes {
                for offset in stride(from: hole.lowerBound, to: hole.upperBound, by: 1 << 20) {
                    try file.write([UInt8](repeating: 0, count: Int(min(hole.upperBound - offset, 1 << 20))), at: offset)
                }
            }
            // What was read may be in memory only, and must not vanish after it was acted on. Syncing is not enough: where
            // a sync failed before the crash, the system takes these pages for written.
            for offset in stride(from: FileHeader.recordsOffset, to: end, by: 1 << 20) {
                try file.write(try file.bytes(at: offset, count: Int(min(end - offset, 1 << 20))), at: offset)
            }
            try file.synchronize()
            try sealed.header.write(to: file)
            try file.synchronize()
            return sealed
        } catch {
            report.damage.append("\(segment.name) could not be closed: \(error)")
            return segment
        }
    }

    private func note(_ segment: FoundSegment, last: LSN, end: UInt64, isReadable: Bool = true) {
        table.insert(SegmentTable.Entry(
            purpose: .segment, state: segment.isSealed ? .sealed : .abandoned, fileBytes: segment.header.fileBytes, end: end,
            firstLSN: segment.header.firstLSN, lastLSN: last, isPinned: !isReadable, file: nil, number: segment.number))
    }
}

extension ScannedRecord {
    fileprivate func candidate(of segment: FoundSegment) -> ReplayPass.Candidate {
        let position = RecordPosition(segment: segment.number, offset: UInt32(truncatingIfNeeded: offset / 64))
        let record = RecoveredRecord(lsn: header.lsn, position: position, kind: header.kind, version: header.version,
                                     messageKey: header.messageKey, meta: meta, bodyLength: Int(header.bodyLength),
                                     storedBytes: header.storedBytes)
        return ReplayPass.Candidate(record: record, isCritical: header.isCritical, file: segment.name, release: segment.header.release)
    }
}
