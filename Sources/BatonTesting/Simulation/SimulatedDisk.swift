import Glibc
import Storage
import Synchronization

/// A disk in memory that knows what is synced, and can fill up, fail, and lose its power.
public final class SimulatedDisk: Sendable {
    /// What is about to be done, for a fault to be decided on.
    public enum Access: Hashable, Sendable {
        case create, open, read, write, allocate, synchronize, rename, remove, synchronizeNames, list
    }

    /// Answers with an `errno` when an access to a name shall fail.
    public typealias Fault = @Sendable (_ access: Access, _ name: String) -> Int32?

    fileprivate struct Contents {
        var state: DiskState
        var capacity: Int
        var fault: Fault?
        var record: [DiskOperation]?
        var locked: Set<String> = []
        var synchronizations = 0
    }

    fileprivate let contents: Mutex<Contents>

    /// A disk with room for `capacity` bytes.
    public init(_ state: DiskState = DiskState(), capacity: Int = .max) {
        contents = Mutex(Contents(state: state, capacity: capacity))
    }

    /// The top directory.
    public var root: any FileLayer { SimulatedDirectory(self, path: "") }

    /// What is on it now.
    public var state: DiskState { contents.withLock { $0.state } }

    /// A disk as the next start finds it after `cut`; this one is of no more use.
    public func after(_ cut: PowerCut) -> SimulatedDisk {
        contents.withLock { SimulatedDisk($0.state.after(cut), capacity: $0.capacity) }
    }

    /// Forgets everything: for a disk that nobody looks at again, whoever still holds files on it.
    public func discard() {
        contents.withLock { contents in
            contents.state = DiskState()
            contents.fault = nil
            contents.record = nil
        }
    }

    /// Lets another process have the disk after the one that used it has died; what was not synced may still be lost.
    public func processDied() { contents.withLock { $0.locked = [] } }

    /// Has `fault` decide about every access from now on.
    public func setFault(_ fault: Fault?) { contents.withLock { $0.fault = fault } }

    /// Changes the room on the disk.
    public func setCapacity(_ bytes: Int) { contents.withLock { $0.capacity = bytes } }

    /// Starts to record all operations, and returns the state that they begin with.
    public func startRecording() -> DiskState {
        contents.withLock { contents in
            contents.record = []
            return contents.state
        }
    }

    /// The operations since `startRecording`.
    public var recorded: [DiskOperation] { contents.withLock { $0.record ?? [] } }

    /// How often a file has been synced.
    public var synchronizations: Int { contents.withLock { $0.synchronizations } }

    fileprivate func access<Result>(_ access: Access, _ name: String, inode: Int? = nil,
                                    _ work: (inout Contents) throws(FileError) -> Result) throws(FileError) -> Result {
        let fault = contents.withLock { $0.fault }
        if let fault {
            // A file may have been renamed since it was opened.
            let name = inode.flatMap { inode in contents.withLock { $0.state.name(of: inode) } } ?? name
            if let errno = fault(access, name) { throw FileError("\(access)", name, errno: errno) }
        }
        var failure: FileError?
        let result = contents.withLock { contents -> Result? in
            do throws(FileError) {
                return try work(&contents)
            } catch {
                failure = error
                return nil
            }
        }
        guard let result else { throw failure ?? FileError("\(access)", name, errno: EIO) }
        return result
    }
}

extension SimulatedDisk.Contents {
    fileprivate mutating func apply(_ operation: DiskOperation) {
        state.apply(operation)
        record?.append(operation)
    }

    fileprivate func inode(_ directory: String, _ name: String) throws(FileError) -> Int {
        guard let inode = state.directories[directory]?.names[name] else { throw FileError("open", name, errno: ENOENT) }
        return inode
    }

    fileprivate func checkRoom(_ inode: Int, end: Int, _ name: String) throws(FileError) {
        let growth = end - (state.inodes[inode]?.content.count ?? 0)
        guard growth > 0 else { return }
        guard growth <= capacity - state.usedBytes else { throw FileError("write", name, errno: ENOSPC) }
    }
}

/// A directory of a simulated disk.
private final class SimulatedDirectory: FileLayer {
    private let disk: SimulatedDisk
    private let path: String

    init(_ disk: SimulatedDisk, path: String) {
        self.disk = disk
        self.path = path
    }

    func open(_ name: String, for access: FileAccess) throws(FileError) -> any StorageFile {
        try disk.access(.open, name) { contents throws(FileError) in
            SimulatedFile(disk, inode: try contents.inode(path, name), name: name)
        }
    }

    func create(_ name: String) throws(FileError) -> any StorageFile {
        try disk.access(.create, name) { contents throws(FileError) in
            guard contents.state.directories[path]?.names[name] == nil else { throw FileError("create", name, errno: EEXIST) }
            let inode = contents.state.nextInode
            contents.apply(.create(directory: path, name: name, inode: inode))
            return SimulatedFile(disk, inode: inode, name: name)
        }
    }

    func list() throws(FileError) -> [DirectoryEntry] {
        try disk.access(.list, path) { contents throws(FileError) in
            (contents.state.directories[path]?.names ?? [:]).sorted { $0.key < $1.key }.map { name, inode in
                DirectoryEntry(name: name, isRegular: true, bytes: UInt64(contents.state.inodes[inode]?.content.count ?? 0))
            }
        }
    }

    func rename(_ name: String, to newName: String) throws(FileError) {
        try disk.access(.rename, name) { contents throws(FileError) in
            _ = try contents.inode(path, name)
            contents.apply(.rename(directory: path, from: name, to: newName))
        }
    }

    func remove(_ name: String) throws(FileError) {
        try disk.access(.remove, name) { contents throws(FileError) in
            _ = try contents.inode(path, name)
            contents.apply(.remove(directory: path, name: name))
        }
    }

    func synchronizeNames() throws(FileError) {
        try disk.access(.synchronizeNames, path) { contents throws(FileError) in
            contents.apply(.synchronizeNames(directory: path))
        }
    }

    func subdirectory(_ name: String) throws(FileError) -> any FileLayer {
        let inner = path.isEmpty ? name : "\(path)/\(name)"
        disk.contents.withLock { contents in
            if contents.state.directories[inner] == nil { contents.apply(.makeDirectory(path: inner)) }
        }
        return SimulatedDirectory(disk, path: inner)
    }

    func lock() throws(FileError) -> Bool { disk.contents.withLock { $0.locked.insert(path).inserted } }

    func unlock() { disk.contents.withLock { _ = $0.locked.remove(path) } }

    func freeBytes() throws(FileError) -> UInt64 {
        disk.contents.withLock { UInt64(max(0, $0.capacity - $0.state.usedBytes)) }
    }
}

/// An open file of a simulated disk.
private final class SimulatedFile: StorageFile {
    private let disk: SimulatedDisk
    private let inode: Int
    private let name: String

    init(_ disk: SimulatedDisk, inode: Int, name: String) {
        self.disk = disk
        self.inode = inode
        self.name = name
    }

    func size() throws(FileError) -> UInt64 { disk.contents.withLock { UInt64($0.state.inodes[inode]?.content.count ?? 0) } }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        try disk.access(.read, name, inode: inode) { contents throws(FileError) in
            guard let content = contents.state.inodes[inode]?.content, let offset = Int(exactly: offset), offset < content.count else { return 0 }
            let count = min(content.count - offset, buffer.count)
            content.withUnsafeBytes { bytes in
                if let source = bytes.baseAddress { buffer.baseAddress?.copyMemory(from: source + offset, byteCount: count) }
            }
            return count
        }
    }

    func write(at offset: UInt64, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) throws(FileError) {
        guard let offset = Int(exactly: offset) else { throw FileError("write", name, errno: EFBIG) }
        try disk.access(.write, name, inode: inode) { contents throws(FileError) in
            try contents.checkRoom(inode, end: offset + first.count + second.count, name)
            let bytes = [UInt8](unsafeUninitializedCapacity: first.count + second.count) { buffer, count in
                let target = UnsafeMutableRawBufferPointer(buffer)
                target.copyMemory(from: first)
                UnsafeMutableRawBufferPointer(rebasing: target[first.count...]).copyMemory(from: second)
                count = first.count + second.count
            }
            contents.apply(.write(inode: inode, offset: offset, bytes: bytes))
        }
    }

    func synchronize() throws(FileError) {
        do throws(FileError) {
            try disk.access(.synchronize, name, inode: inode) { contents throws(FileError) in
                contents.apply(.synchronize(inode: inode))
                contents.synchronizations += 1
            }
        } catch {
            disk.contents.withLock { $0.apply(.failToSynchronize(inode: inode)) }
            throw error
        }
    }

    func allocate(_ bytes: UInt64) throws(FileError) {
        try disk.access(.allocate, name, inode: inode) { contents throws(FileError) in
            try contents.checkRoom(inode, end: Int(clamping: bytes), name)
            contents.apply(.allocate(inode: inode, bytes: Int(clamping: bytes)))
        }
    }
}
