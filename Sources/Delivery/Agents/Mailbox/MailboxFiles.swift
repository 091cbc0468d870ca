/// The file system as mailboxes need it; every call may block and is made on a `MailboxExecutor` only.
public protocol MailboxFiles: AnyObject, Sendable {
    /// Makes the directory and those above it that are missing, and syncs what they were made in.
    func makeDirectory(_ path: MailboxPath) throws(MailboxFileError)
    /// Creates a file that did not exist, for writing.
    func create(_ name: PathComponent, in directory: MailboxPath) throws(MailboxFileError) -> any MailboxFile
    /// Gives a file its place: it never replaces another, and is durable when this returns.
    func move(_ name: PathComponent, from source: MailboxPath, to newName: PathComponent,
              in destination: MailboxPath) throws(MailboxFileError)
    /// Removes a file.
    func remove(_ name: PathComponent, in directory: MailboxPath) throws(MailboxFileError)
    /// Adds `bytes` to the end of a file in one piece, creating it where it is missing; durable when this returns.
    func append(_ bytes: [UInt8], to name: PathComponent, in directory: MailboxPath) throws(MailboxFileError)
}

/// A file being written; closed when it is let go.
public protocol MailboxFile: AnyObject {
    /// Adds `bytes`.
    func write(_ bytes: [UInt8]) throws(MailboxFileError)
    /// Makes what was written durable.
    func sync() throws(MailboxFileError)
}

/// Why the file system refused.
public enum MailboxFileError: Error, Hashable, Sendable {
    /// The file system is full.
    case noSpace
    /// The owner's quota is used up.
    case overQuota
    /// Baton may not do that there.
    case denied
    /// The file system is mounted read-only.
    case readOnly
    /// A directory of the path does not exist.
    case missing
    /// A file of that name exists.
    case exists
    /// Something else than a directory, such as a symbolic link, is in the path.
    case notADirectory
    /// Anything else, by its `errno`.
    case system(errno: Int32)
}
