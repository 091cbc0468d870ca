import Glibc

/// What the checker asks of the file system.
public struct FileFacts: Sendable {
    /// What a path leads to.
    public enum Kind: Hashable, Sendable {
        /// Nothing, or nothing that may be looked at.
        case missing
        /// A file that can be read.
        case readableFile
        /// A file that cannot be read.
        case unreadableFile
        /// A directory.
        case directory
        /// A socket, a device or another special file.
        case other
    }

    /// What `path` leads to.
    public let kind: @Sendable (_ path: String) -> Kind

    /// Facts told by `kind`.
    public init(kind: @escaping @Sendable (_ path: String) -> Kind) { self.kind = kind }

    /// The facts of this machine.
    public static let system = FileFacts { path in
        var status = stat()
        guard stat(path, &status) == 0 else { return .missing }
        return switch status.st_mode & S_IFMT {
        case S_IFDIR: .directory
        case S_IFREG: access(path, R_OK) == 0 ? .readableFile : .unreadableFile
        default: .other
        }
    }
}
