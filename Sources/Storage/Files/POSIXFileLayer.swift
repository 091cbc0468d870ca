import Glibc

/// A directory of the real file system.
public final class POSIXFileLayer: FileLayer {
    private let directory: Descriptor
    private let path: String

    /// The directory at `path`, which must exist and not be a symbolic link.
    public init(path: String) throws(FileError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw FileError("open", path, errno: errno) }
        directory = Descriptor(descriptor)
        self.path = path
    }

    private init(_ directory: Descriptor, path: String) {
        self.directory = directory
        self.path = path
    }

    public func open(_ name: String, for access: FileAccess) throws(FileError) -> any StorageFile {
        let mode = switch access { case .reading: O_RDONLY; case .writing: O_RDWR }
        // Without O_NONBLOCK, somebody's FIFO in the spool would stop the daemon here.
        return try openRegular(name, mode | O_NONBLOCK)
    }

    public func create(_ name: String) throws(FileError) -> any StorageFile {
        try openRegular(name, O_RDWR | O_CREAT | O_EXCL)
    }

    private func openRegular(_ name: String, _ flags: Int32) throws(FileError) -> POSIXFile {
        let number = retrying { openat(directory.number, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0o600) }
        guard number >= 0 else { throw FileError("open", name, errno: errno) }
        let descriptor = Descriptor(number)
        var status = stat()
        guard fstat(number, &status) == 0 else { throw FileError("stat", name, errno: errno) }
        // A second name would let its holder change what the log relies on.
        guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else { throw FileError("open", name, errno: EINVAL) }
        return POSIXFile(descriptor, name: name)
    }

    public func list() throws(FileError) -> [DirectoryEntry] {
        let copy = openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { throw FileError("list", path, errno: errno) }
        defer { closedir(stream) }
        var entries: [DirectoryEntry] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            var status = stat()
            guard fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            let isRegular = status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1
            entries.append(DirectoryEntry(name: name, isRegular: isRegular, bytes: UInt64(clamping: status.st_size)))
        }
        return entries
    }

    public func rename(_ name: String, to newName: String) throws(FileError) {
        guard renameat(directory.number, name, directory.number, newName) == 0 else { throw FileError("rename", name, errno: errno) }
    }

    public func remove(_ name: String) throws(FileError) {
        guard unlinkat(directory.number, name, 0) == 0 else { throw FileError("remove", name, errno: errno) }
    }

    public func synchronizeNames() throws(FileError) {
        guard retrying({ fsync(directory.number) }) == 0 else { throw FileError("sync", path, errno: errno) }
    }

    public func subdirectory(_ name: String) throws(FileError) -> any FileLayer {
        if mkdirat(directory.number, name, 0o700) != 0, errno != EEXIST { throw FileError("create", name, errno: errno) }
        let number = openat(directory.number, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard number >= 0 else { throw FileError("open", name, errno: errno) }
        return POSIXFileLayer(Descriptor(number), path: "\(path)/\(name)")
    }

    public func lock() throws(FileError) -> Bool {
        if retrying({ flock(directory.number, LOCK_EX | LOCK_NB) }) == 0 { return true }
        guard errno == EWOULDBLOCK else { throw FileError("lock", path, errno: errno) }
        return false
    }

    public func unlock() { _ = flock(directory.number, LOCK_UN) }

    public func freeBytes() throws(FileError) -> UInt64 {
        var status = statvfs()
        guard fstatvfs(directory.number, &status) == 0 else { throw FileError("stat", path, errno: errno) }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : bytes
    }
}

/// A file of the real file system.
final class POSIXFile: StorageFile {
    private let descriptor: Descriptor
    private let name: String

    init(_ descriptor: Descriptor, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    func size() throws(FileError) -> UInt64 {
        var status = stat()
        guard fstat(descriptor.number, &status) == 0 else { throw FileError("stat", name, errno: errno) }
        return UInt64(clamping: status.st_size)
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        guard let start = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            let count = retrying { pread(descriptor.number, start + done, buffer.count - done, off_t(clamping: offset &+ UInt64(done))) }
            guard count >= 0 else { throw FileError("read", name, errno: errno) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func write(at offset: UInt64, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) throws(FileError) {
        var done = 0
        let total = first.count + second.count
        while done < total {
            let skipped = min(done, first.count)
            var vectors = (iovec(first, from: skipped), iovec(second, from: done - skipped))
            let count = withUnsafeMutableBytes(of: &vectors) { raw in
                raw.withMemoryRebound(to: iovec.self) { list in
                    retrying { pwritev(descriptor.number, list.baseAddress, 2, off_t(clamping: offset &+ UInt64(done))) }
                }
            }
            guard count > 0 else { throw FileError("write", name, errno: count == 0 ? EIO : errno) }
            done += count
        }
    }

    func synchronize() throws(FileError) {
        // Not repeated after EIO: the kernel marks the pages clean, so that a second sync would lie.
        guard retrying({ fdatasync(descriptor.number) }) == 0 else { throw FileError("sync", name, errno: errno) }
    }

    func allocate(_ bytes: UInt64) throws(FileError) {
        var result = posix_fallocate(descriptor.number, 0, off_t(clamping: bytes))
        while result == EINTR { result = posix_fallocate(descriptor.number, 0, off_t(clamping: bytes)) }
        guard result == 0 else { throw FileError("allocate", name, errno: result) }
    }
}

extension iovec {
    fileprivate init(_ buffer: UnsafeRawBufferPointer, from offset: Int) {
        self.init(iov_base: buffer.baseAddress.map { UnsafeMutableRawPointer(mutating: $0) + offset }, iov_len: buffer.count - offset)
    }
}

/// A descriptor that is closed with its last reference.
final class Descriptor: Sendable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }
}

/// Repeats a system call that a signal interrupted.
private func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
