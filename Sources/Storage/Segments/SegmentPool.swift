import Ports
import Synchronization

/// Segments that are written ahead, so that the writer finds them ready.
///
/// A spare is a file of zeros or of records of long ago. It becomes ready by taking its number:
/// header synced, renamed, name synced. From then on the writer needs no directory operation.
final class SegmentPool: Sendable {
    /// A segment that nothing was written to yet.
    struct Ready: Sendable {
        let number: UInt32
        let file: any StorageFile
        let bytes: UInt64
    }

    private struct Contents {
        var ready: [Ready] = []
        var spares: [String] = []
        var isRefilling = false
        /// As many were ready as should be, once: what is taken from then on is expected back from compaction.
        var wasFull = false
        var unfinished: Unfinished?
    }

    /// A new file that is not yet full of zeros.
    private struct Unfinished: Sendable {
        let name: String
        let file: any StorageFile
        var written: UInt64 = 0
    }

    private static let zeroBytes = 1 << 20
    /// Zeros are written under load only when fewer segments than this are ready: until then a burst of mail has the
    /// whole disk to itself, and compaction the time to give segments back.
    private static let scarce = 2
    /// Bytes of zeros written and synced at a time: neither the writer's syncs nor other work in the background queue up
    /// behind a whole segment of them.
    private static let portionBytes: UInt64 = 8 << 20

    private let context: LogContext
    private let contents: Mutex<Contents>

    /// A pool with the spare files that recovery found.
    init(context: LogContext, spares: [String]) {
        self.context = context
        contents = Mutex(Contents(spares: spares))
    }

    /// Whether a segment is ready.
    var hasReady: Bool { contents.withLock { !$0.ready.isEmpty } }

    /// Bytes in ready segments and spares.
    var bytes: UInt64 { UInt64(contents.withLock { $0.ready.count + $0.spares.count + ($0.unfinished == nil ? 0 : 1) }) &* UInt64(context.settings.segmentBytes) }

    /// The next segment: one that is ready, or else one made here and now. For the writer.
    func take() throws(FileError) -> Ready {
        let ready = contents.withLock { contents -> Ready? in
            guard !contents.ready.isEmpty else { return nil }
            return contents.ready.removeFirst()
        }
        defer { refillSoon() }
        if let ready { return ready }
        if let spare = contents.withLock({ $0.spares.popLast() }) { return try makeReady(spare) }
        // Not written ahead: it costs the file system more later, but the writer does not wait for 64 MiB of zeros now.
        let new = try create()
        return try makeReady(new.name)
    }

    /// A segment of `bytes`, for outcomes alone: while the disk has no room for an ordinary one. For the writer.
    func makeSmall(bytes: UInt64) throws(FileError) -> Ready {
        let new = try create(bytes: bytes)
        return try makeReady(new.name, bytes: bytes)
    }

    /// Takes a segment back that was not written to.
    func putBack(_ segment: Ready) {
        contents.withLock { $0.ready.insert(segment, at: 0) }
    }

    /// Has the background make segments ready.
    func refillSoon() {
        let isNeeded = contents.withLock { contents in
            defer { contents.isRefilling = true }
            return !contents.isRefilling
        }
        guard isNeeded else { return }
        context.executor.submit(to: .background) { self.refill() }
    }

    /// Takes one step: a spare is made ready, or a portion of zeros is written.
    private func refill() {
        let (isNeeded, spare) = contents.withLock { contents -> (Bool, String?) in
            let wanted = context.settings.spareSegments
            guard contents.ready.count < wanted else {
                contents.wasFull = true
                return (false, nil)
            }
            if let spare = contents.spares.popLast() { return (true, spare) }
            return (!contents.wasFull || contents.ready.count < min(SegmentPool.scarce, wanted), nil)
        }
        do throws(FileError) {
            guard isNeeded else { return contents.withLock { $0.isRefilling = false } }
            if let spare {
                let made = try makeReady(spare)
                contents.withLock { $0.ready.append(made) }
            } else {
                try writeZeros()
            }
            context.executor.submit(to: .background) { self.refill() }
        } catch {
            // A full disk is the writer's business: it tries again when it must.
            dropUnfinished()
            contents.withLock { $0.isRefilling = false }
        }
    }

    private func writeZeros() throws(FileError) {
        let begun = contents.withLock { $0.unfinished }
        var new = if let begun { begun } else { try create() }
        contents.withLock { $0.unfinished = new }
        let size = UInt64(context.settings.segmentBytes)
        let end = min(size, new.written + SegmentPool.portionBytes)
        while new.written < end {
            let zeros = [UInt8](repeating: 0, count: Int(min(UInt64(SegmentPool.zeroBytes), end - new.written)))
            try new.file.write(zeros, at: new.written)
            new.written += UInt64(zeros.count)
        }
        try new.file.synchronize()
        let isFinished = new.written == size
        contents.withLock { contents in
            contents.unfinished = isFinished ? nil : new
            if isFinished { contents.spares.append(new.name) }
        }
    }

    private func dropUnfinished() {
        let name = contents.withLock { contents in
            defer { contents.unfinished = nil }
            return contents.unfinished?.name
        }
        if let name { try? context.files.remove(name) }
    }

    /// Takes the file `name`, which nothing needs any more, as a spare, or removes it when there are enough.
    func recycle(_ name: String, bytes: UInt64) {
        let (count, ready) = contents.withLock { ($0.spares.count, $0.ready.count) }
        let spare = SegmentPool.spareName(context.table.takeNumber())
        guard bytes == UInt64(context.settings.segmentBytes), count + ready <= context.settings.spareSegments,
              (try? context.files.rename(name, to: spare)) != nil else {
            try? context.files.remove(name)
            return
        }
        contents.withLock { $0.spares.append(spare) }
        refillSoon()
    }

    /// Removes what is kept ahead, down to what is needed soon.
    func trim() {
        let surplus = contents.withLock { contents -> [String] in
            defer { contents.spares.removeAll() }
            return contents.spares
        }
        for name in surplus { try? context.files.remove(name) }
        dropUnfinished()
    }

    static func spareName(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return "spare-" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    private func create() throws(FileError) -> Unfinished { try create(bytes: UInt64(context.settings.segmentBytes)) }

    private func create(bytes: UInt64) throws(FileError) -> Unfinished {
        let name = SegmentPool.spareName(context.table.takeNumber())
        do throws(FileError) {
            let file = try context.files.create(name)
            try file.allocate(bytes)
            return Unfinished(name: name, file: file)
        } catch {
            try? context.files.remove(name)
            throw error
        }
    }

    private func makeReady(_ spare: String) throws(FileError) -> Ready {
        try makeReady(spare, bytes: UInt64(context.settings.segmentBytes))
    }

    private func makeReady(_ spare: String, bytes: UInt64) throws(FileError) -> Ready {
        do throws(FileError) {
            let file = try context.files.open(spare, for: .writing)
            return try number(file, name: spare, size: bytes)
        } catch {
            try? context.files.remove(spare)
            throw error
        }
    }

    private func number(_ file: any StorageFile, name: String, size: UInt64) throws(FileError) -> Ready {
        let number = context.table.takeNumber()
        try context.header(.segment, number: number, firstLSN: .zero, fileBytes: size).write(to: file)
        try file.synchronize()
        try context.files.rename(name, to: SegmentTable.name(number, .segment))
        do throws(FileError) {
            try context.files.synchronizeNames()
        } catch {
            try? context.files.remove(SegmentTable.name(number, .segment))
            throw error
        }
        return Ready(number: number, file: file, bytes: size)
    }
}
