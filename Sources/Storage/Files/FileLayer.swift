import Glibc

/// One directory of files: the port between the log and the disk.
///
/// Calls block and may come from several threads. Nothing is promised to survive a power cut
/// before it was synced: file contents by `StorageFile.synchronize`, names by `synchronizeNames`.
public protocol FileLayer: AnyObject, Sendable {
    /// Opens an existing regular file that has one name only; never follows a symbolic link.
    func open(_ name: String, for access: FileAccess) throws(FileError) -> any StorageFile
    /// Creates a file that must not exist.
    func create(_ name: String) throws(FileError) -> any StorageFile
    /// Every name in the directory, in no order.
    func list() throws(FileError) -> [DirectoryEntry]
    /// Gives a file another name, replacing a file that has it.
    func rename(_ name: String, to newName: String) throws(FileError)
    /// Removes a name.
    func remove(_ name: String) throws(FileError)
    /// Makes all creations, renamings and removals so far durable.
    func synchronizeNames() throws(FileError)
    /// A directory in this one, created when it is absent; never through a symbolic link.
    func subdirectory(_ name: String) throws(FileError) -> any FileLayer
    /// Takes the directory for this process until the process ends or `unlock`; false when another has it.
    func lock() throws(FileError) -> Bool
    /// Gives the directory free.
    func unlock()
    /// Bytes that unprivileged processes may still write on this file system.
    func freeBytes() throws(FileError) -> UInt64
}

/// What a file is opened for.
public enum FileAccess: Sendable {
    /// Reading only.
    case reading
    /// Reading and writing.
    case writing
}

/// A name in a directory.
public struct DirectoryEntry: Hashable, Sendable {
    /// The name, without a path.
    public let name: String
    /// Whether it is a regular file.
    public let isRegular: Bool
    /// Bytes in the file.
    public let bytes: UInt64

    /// A name with what it stands for.
    public init(name: String, isRegular: Bool, bytes: UInt64) {
        self.name = name
        self.isRegular = isRegular
        self.bytes = bytes
    }
}

/// An open file; closed when the last reference goes.
public protocol StorageFile: AnyObject, Sendable {
    /// Bytes in the file.
    func size() throws(FileError) -> UInt64
    /// Fills `buffer` from `offset` as far as the file goes and returns the bytes read.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int
    /// Writes `first`, then `second` behind it, whole or with an error.
    func write(at offset: UInt64, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) throws(FileError)
    /// Makes the contents, and what is needed to find them again, durable.
    func synchronize() throws(FileError)
    /// Reserves space and sets the size to `bytes`.
    func allocate(_ bytes: UInt64) throws(FileError)
}

/// A file operation that failed.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried.
    public let operation: String
    /// The file or directory.
    public let name: String
    /// The reason that the system gave.
    public let errno: Int32

    /// A failure of `operation` on `name`.
    public init(_ operation: String, _ name: String, errno: Int32) {
        self.operation = operation
        self.name = name
        self.errno = errno
    }

    /// `OPERATION NAME: reason`.
    public var description: String { "\(operation) \(name): \(FileError.text(errno))" }

    /// The system's words for `errno`.
    static func text(_ errno: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(errno, &buffer, buffer.count) == 0 else { return "error \(errno)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
