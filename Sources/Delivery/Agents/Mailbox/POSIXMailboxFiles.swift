import Glibc

/// Mailboxes in the file system of the machine.
///
/// Every name below the trusted root is opened relative to its parent and without following symbolic
/// links, so that no mailbox owner can make Baton write elsewhere.
public final class POSIXMailboxFiles: MailboxFiles {
    private let directoryMode: mode_t
    private let fileMode: mode_t

    /// Files and directories that are made get these modes, less the umask.
    public init(directoryMode: UInt32 = 0o700, fileMode: UInt32 = 0o600) {
        self.directoryMode = mode_t(directoryMode)
        self.fileMode = mode_t(fileMode)
    }

    public func makeDirectory(_ path: MailboxPath) throws(MailboxFileError) { _ = try open(path, making: true) }

    public func create(_ name: PathComponent, in directory: MailboxPath) throws(MailboxFileError) -> any MailboxFile {
        let parent = try open(directory, making: false)
        return try openFile(name, in: parent, O_WRONLY | O_CREAT | O_EXCL)
    }

    public func move(_ name: PathComponent, from source: MailboxPath, to newName: PathComponent,
                     in destination: MailboxPath) throws(MailboxFileError) {
        let from = try open(source, making: false)
        let to = try open(destination, making: false)
        // A link never replaces a file, as a rename would.
        if linkat(from.number, name.name, to.number, newName.name, 0) == 0 {
            _ = unlinkat(from.number, name.name, 0)
        } else if [EPERM, ENOTSUP, EMLINK, ENOSYS].contains(errno) {
            // File systems without hard links.
            guard faccessat(to.number, newName.name, F_OK, 0) != 0 else { throw .exists }
            try check(renameat(from.number, name.name, to.number, newName.name))
        } else {
            throw MailboxFileError(errno: errno)
        }
        try check(fsync(to.number))
    }

    public func remove(_ name: PathComponent, in directory: MailboxPath) throws(MailboxFileError) {
        let parent = try open(directory, making: false)
        try check(unlinkat(parent.number, name.name, 0))
    }

    public func append(_ bytes: [UInt8], to name: PathComponent, in directory: MailboxPath) throws(MailboxFileError) {
        let parent = try open(directory, making: false)
        let file = try openFile(name, in: parent, O_WRONLY | O_CREAT | O_APPEND)
        try file.write(bytes)
        try file.sync()
    }

    private func openFile(_ name: PathComponent, in parent: Descriptor, _ flags: Int32) throws(MailboxFileError) -> POSIXMailboxFile {
        let number = openat(parent.number, name.name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, fileMode)
        guard number >= 0 else { throw MailboxFileError(errno: errno) }
        let file = POSIXMailboxFile(Descriptor(number))
        // A FIFO or device that someone left under the name is not to be written to.
        var status = stat()
        try check(fstat(number, &status))
        guard status.st_mode & S_IFMT == S_IFREG else { throw .exists }
        return file
    }

    /// `O_PATH` of Linux, which the C library shows to GNU programs only.
    private static let passingThrough: Int32 = 0o10_000_000

    /// Opens a directory name by name.
    private func open(_ path: MailboxPath, making: Bool) throws(MailboxFileError) -> Descriptor {
        // On the way down directories are only passed through: a sandbox may not let them be read.
        let start = Glibc.open(path.root.hasPrefix("/") ? "/" : ".", POSIXMailboxFiles.passingThrough | O_DIRECTORY | O_CLOEXEC)
        guard start >= 0 else { throw MailboxFileError(errno: errno) }
        var current = Descriptor(start)
        let root = path.root.split(separator: "/").filter { $0 != "." }
        for (index, name) in root.enumerated() {
            current = try descend(from: current, String(name), flags: index + 1 < root.count ? POSIXMailboxFiles.passingThrough : O_RDONLY, making: making)
        }
        for name in path.components {
            current = try descend(from: current, name.name, flags: O_NOFOLLOW | O_RDONLY, making: making)
        }
        return current
    }

    private func descend(from parent: Descriptor, _ name: String, flags: Int32, making: Bool) throws(MailboxFileError) -> Descriptor {
        let flags = flags | O_DIRECTORY | O_CLOEXEC
        var number = openat(parent.number, name, flags)
        if number < 0, errno == ENOENT, making {
            if mkdirat(parent.number, name, directoryMode) == 0 {
                try sync(parent)
            } else if errno != EEXIST {
                throw MailboxFileError(errno: errno)
            }
            number = openat(parent.number, name, flags)
        }
        guard number >= 0 else { throw MailboxFileError(errno: errno) }
        return Descriptor(number)
    }

    /// Syncs a directory that may be open for passing through only.
    private func sync(_ directory: Descriptor) throws(MailboxFileError) {
        let number = openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw MailboxFileError(errno: errno) }
        let readable = Descriptor(number)
        try check(fsync(readable.number))
    }
}

/// An open file descriptor, closed when it is let go.
private final class Descriptor {
    let number: Int32
    init(_ number: Int32) { self.number = number }
    deinit { close(number) }
}

private final class POSIXMailboxFile: MailboxFile {
    private let descriptor: Descriptor
    init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    func write(_ bytes: [UInt8]) throws(MailboxFileError) {
        let failure: MailboxFileError? = bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor.number, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return MailboxFileError(errno: count == 0 ? ENOSPC : errno) }
                rest = rest.dropFirst(count)
            }
            return nil
        }
        if let failure { throw failure }
    }

    func sync() throws(MailboxFileError) { try check(fsync(descriptor.number)) }
}

private func check(_ result: Int32) throws(MailboxFileError) {
    if result != 0 { throw MailboxFileError(errno: errno) }
}

extension MailboxFileError {
    fileprivate init(errno: Int32) {
        self = switch errno {
        case ENOSPC: .noSpace
        case EDQUOT: .overQuota
        case EACCES, EPERM: .denied
        case EROFS: .readOnly
        case ENOENT: .missing
        case EEXIST: .exists
        case ELOOP, ENOTDIR: .notADirectory
        default: .system(errno: errno)
        }
    }
}
