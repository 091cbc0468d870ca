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
    }

    private struct Contents {
        var ready: [Ready] = []
        var spares: [String] = []
        var isRefilling = false
    }

    private static let zeroBytes = 1 << 20
    private static let syncedBytes = 8 << 20

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
    var bytes: UInt64 { UInt64(contents.withLock { $0.ready.count + $0.spares.count }) &* UInt64(context.settings.segmentBytes) }

    /// The next segment: one that is ready, or else one made here and now. For the writer.
    func take() throws(FileError) -> Ready {
        let ready = contents.withLock { contents -> Ready? in
            guard !contents.ready.isEmpty else { return nil }
            return contents.ready.removeFirst()
        }
        defer { refillSoon() }
        if let ready { return ready }
        // Not written ahead: it costs the file system more later, but the writer does not wait for 64 MiB of zeros now.
        let spare = contents.withLock { $0.spares.popLast() }
        return try makeReady(spare: spare, writingAhead: false)
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

    private func refill() {
        defer { contents.withLock { $0.isRefilling = false } }
        while contents.withLock({ $0.ready.count }) < context.settings.spareSegments {
            let spare = contents.withLock { $0.spares.popLast() }
            // A full disk is the writer's business: it tries again when it must.
            guard let made = try? makeReady(spare: spare, writingAhead: true) else { return }
            contents.withLock { $0.ready.append(made) }
        }
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
    }

    static func spareName(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return "spare-" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    private func makeReady(spare: String?, writingAhead: Bool) throws(FileError) -> Ready {
        let name = spare ?? SegmentPool.spareName(context.table.takeNumber())
        do throws(FileError) {
            let file = try spare == nil ? context.files.create(name) : context.files.open(name, for: .writing)
            let size = UInt64(context.settings.segmentBytes)
            if spare == nil {
                try file.allocate(size)
                if writingAhead { try writeZeros(to: file, size: size) }
            }
            return try number(file, name: name, size: size)
        } catch {
            try? context.files.remove(name)
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
        return Ready(number: number, file: file)
    }

    private func writeZeros(to file: any StorageFile, size: UInt64) throws(FileError) {
        let zeros = [UInt8](repeating: 0, count: min(SegmentPool.zeroBytes, context.settings.segmentBytes))
        var offset: UInt64 = 0
        while offset < size {
            try file.write(offset + UInt64(zeros.count) <= size ? zeros : Array(zeros.prefix(Int(size - offset))), at: offset)
            offset += UInt64(zeros.count)
            // In portions, so that the writer's syncs do not queue up behind the whole of it.
            if offset % UInt64(SegmentPool.syncedBytes) == 0 { try file.synchronize() }
        }
        try file.synchronize()
    }
}
