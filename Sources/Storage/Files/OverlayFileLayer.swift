import Glibc
import Synchronization

/// A directory on top of another: what is changed stays in memory, and the one below is only read.
///
/// For a look at what opening a spool would do to it. Files that are written to are held in memory whole.
public final class OverlayFileLayer: FileLayer {
    private struct Contents {
        var files: [String: OverlayFile] = [:]
        /// Names of the layer below that are gone or stand for something else.
        var hidden: Set<String> = []
        var directories: [String: OverlayFileLayer] = [:]
    }

    private let base: (any FileLayer)?
    private let contents = Mutex(Contents())

    /// An overlay on `base`; on an empty directory without one.
    public init(on base: (any FileLayer)?) { self.base = base }

    public func open(_ name: String, for access: FileAccess) throws(FileError) -> any StorageFile {
        let (known, isHidden) = contents.withLock { ($0.files[name], $0.hidden.contains(name)) }
        if let known { return known }
        guard !isHidden, let base else { throw FileError("open", name, errno: ENOENT) }
        let below = try base.open(name, for: .reading)
        guard access == .writing else { return below }
        let file = OverlayFile(try below.bytes(at: 0, count: Int(clamping: try below.size())))
        return contents.withLock { contents in
            contents.hidden.insert(name)
            contents.files[name] = file
            return file
        }
    }

    public func create(_ name: String) throws(FileError) -> any StorageFile {
        if try list().contains(where: { $0.name == name }) { throw FileError("create", name, errno: EEXIST) }
        let file = OverlayFile([])
        contents.withLock { contents in
            contents.hidden.insert(name)
            contents.files[name] = file
        }
        return file
    }

    public func list() throws(FileError) -> [DirectoryEntry] {
        let below = try base?.list() ?? []
        return contents.withLock { contents in
            below.filter { !contents.hidden.contains($0.name) }
                + contents.files.map { DirectoryEntry(name: $0.key, isRegular: true, bytes: $0.value.count) }
        }
    }

    public func rename(_ name: String, to newName: String) throws(FileError) {
        guard let file = try open(name, for: .writing) as? OverlayFile else { throw FileError("rename", name, errno: EINVAL) }
        contents.withLock { contents in
            contents.files[name] = nil
            contents.files[newName] = file
            contents.hidden.formUnion([name, newName])
        }
    }

    public func remove(_ name: String) throws(FileError) {
        guard try list().contains(where: { $0.name == name }) else { throw FileError("remove", name, errno: ENOENT) }
        contents.withLock { contents in
            contents.files[name] = nil
            contents.hidden.insert(name)
        }
    }

    public func synchronizeNames() throws(FileError) {}

    public func subdirectory(_ name: String) throws(FileError) -> any FileLayer {
        if let known = contents.withLock({ $0.directories[name] }) { return known }
        // Asked for by name, the layer below would make it.
        let isThere = try base?.list().contains { $0.name == name } ?? false
        let new = OverlayFileLayer(on: isThere ? try base?.subdirectory(name) : nil)
        return contents.withLock { contents in
            if let known = contents.directories[name] { return known }
            contents.directories[name] = new
            return new
        }
    }

    public func lock() throws(FileError) -> Bool { try base?.lock() ?? true }

    public func unlock() { base?.unlock() }

    public func freeBytes() throws(FileError) -> UInt64 { try base?.freeBytes() ?? .max }
}

/// A file that was changed.
private final class OverlayFile: StorageFile {
    private let content: Mutex<[UInt8]>

    init(_ bytes: [UInt8]) { content = Mutex(bytes) }

    var count: UInt64 { UInt64(content.withLock { $0.count }) }

    func size() throws(FileError) -> UInt64 { count }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        content.withLock { content in
            guard let start = Int(exactly: offset), start < content.count else { return 0 }
            let count = min(buffer.count, content.count - start)
            content.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<(start + count)])) }
            return count
        }
    }

    func write(at offset: UInt64, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) throws(FileError) {
        guard let start = Int(exactly: offset), start <= Int.max / 2 else { throw FileError("write", "overlay", errno: EFBIG) }
        content.withLock { content in
            let end = start + first.count + second.count
            if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
            content.withUnsafeMutableBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: bytes[start..<(start + first.count)]).copyMemory(from: first)
                UnsafeMutableRawBufferPointer(rebasing: bytes[(start + first.count)..<end]).copyMemory(from: second)
            }
        }
    }

    func synchronize() throws(FileError) {}

    func allocate(_ bytes: UInt64) throws(FileError) {
        content.withLock { content in
            let missing = Int(clamping: bytes) - content.count
            if missing > 0 { content += [UInt8](repeating: 0, count: missing) }
        }
    }
}
