import Synchronization

/// Mailboxes in memory: for the simulation and for tests. Errors can be planted.
public final class MemoryMailboxFiles: MailboxFiles {
    /// What can be made to fail.
    public enum Operation: Hashable, Sendable {
        case makeDirectory, create, write, sync, move, remove, append
    }

    private struct State {
        var directories: Set<MailboxPath> = []
        var files: [String: [UInt8]] = [:]
        var failures: [Operation: MailboxFileError] = [:]
    }

    private let state = Mutex(State())

    /// An empty file system.
    public init() {}

    /// The files by path, those that are not yet in place included.
    public var files: [String: [UInt8]] { state.withLock { $0.files } }

    /// Makes an operation fail from now on, or succeed again.
    public func fail(_ operation: Operation, with error: MailboxFileError?) { state.withLock { $0.failures[operation] = error } }

    public func makeDirectory(_ path: MailboxPath) throws(MailboxFileError) {
        try perform(.makeDirectory) { state throws(MailboxFileError) in
            for count in 0...path.components.count {
                state.directories.insert(MailboxPath(root: path.root, components: Array(path.components.prefix(count))))
            }
        }
    }

    public func create(_ name: PathComponent, in directory: MailboxPath) throws(MailboxFileError) -> any MailboxFile {
        let path = MemoryMailboxFiles.path(name, directory)
        try perform(.create) { state throws(MailboxFileError) in
            guard state.directories.contains(directory) else { throw .missing }
            guard state.files[path] == nil else { throw .exists }
            state.files[path] = []
        }
        return MemoryMailboxFile(path: path, files: self)
    }

    public func move(_ name: PathComponent, from source: MailboxPath, to newName: PathComponent,
                     in destination: MailboxPath) throws(MailboxFileError) {
        let newPath = MemoryMailboxFiles.path(newName, destination)
        try perform(.move) { state throws(MailboxFileError) in
            guard state.directories.contains(destination) else { throw .missing }
            guard state.files[newPath] == nil else { throw .exists }
            guard let bytes = state.files.removeValue(forKey: MemoryMailboxFiles.path(name, source)) else { throw .missing }
            state.files[newPath] = bytes
        }
    }

    public func remove(_ name: PathComponent, in directory: MailboxPath) throws(MailboxFileError) {
        try perform(.remove) { state throws(MailboxFileError) in
            guard state.files.removeValue(forKey: MemoryMailboxFiles.path(name, directory)) != nil else { throw .missing }
        }
    }

    public func append(_ bytes: [UInt8], to name: PathComponent, in directory: MailboxPath) throws(MailboxFileError) {
        try perform(.append) { state throws(MailboxFileError) in
            guard state.directories.contains(directory) else { throw .missing }
            state.files[MemoryMailboxFiles.path(name, directory), default: []] += bytes
        }
    }

    fileprivate func write(_ bytes: [UInt8], to path: String) throws(MailboxFileError) {
        try perform(.write) { state throws(MailboxFileError) in state.files[path, default: []] += bytes }
    }

    fileprivate func sync() throws(MailboxFileError) { try perform(.sync) { _ throws(MailboxFileError) in } }

    private static func path(_ name: PathComponent, _ directory: MailboxPath) -> String { directory.appending(name).description }

    private func perform(_ operation: Operation, _ body: (inout State) throws(MailboxFileError) -> Void) throws(MailboxFileError) {
        let result: Result<Void, MailboxFileError> = state.withLock { state in
            if let error = state.failures[operation] { return .failure(error) }
            do throws(MailboxFileError) {
                return .success(try body(&state))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}

private final class MemoryMailboxFile: MailboxFile {
    private let path: String
    private let files: MemoryMailboxFiles

    init(path: String, files: MemoryMailboxFiles) {
        self.path = path
        self.files = files
    }

    func write(_ bytes: [UInt8]) throws(MailboxFileError) { try files.write(bytes, to: path) }

    func sync() throws(MailboxFileError) { try files.sync() }
}
