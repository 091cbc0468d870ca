import Glibc

/// The file of one private key, which nobody else may read.
enum KeyFile {
    /// A key of 4096 bits takes 3 KiB.
    private static let maxOctets = 16384

    /// The octets of the file at `path` and when it came there under this name, in seconds since 1970.
    ///
    /// Links are not followed, and a file that others may read or write is not taken.
    static func read(_ path: String) throws(KeyDirectoryError) -> ([UInt8], since: Int64) {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw KeyDirectoryError(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw KeyDirectoryError(path: path, reason: "expected a file")
        }
        guard status.st_uid == 0 || status.st_uid == geteuid() || geteuid() == 0 else {
            throw KeyDirectoryError(path: path, reason: "the file belongs to another user")
        }
        guard status.st_mode & 0o027 == 0 else {
            throw KeyDirectoryError(path: path, reason: "others may read or write the key: chmod 0600 (or 0640 for a group of Baton's)")
        }
        guard (1...maxOctets).contains(Int(status.st_size)) else {
            throw KeyDirectoryError(path: path, reason: "expected a private key in PEM")
        }
        var octets = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = octets.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
        guard count == octets.count else { throw KeyDirectoryError(path: path, reason: "the file cannot be read") }
        return (octets, Int64(status.st_ctim.tv_sec))
    }

    /// Writes a new file with `octets`, synced and readable by its owner alone; makes its folder where there is none.
    ///
    /// Made by root, it goes to the owner of `root`, so that the daemon can read it.
    static func write(_ octets: [UInt8], to path: String, in folder: String, root: String) throws(KeyDirectoryError) {
        var owner = stat()
        guard stat(root, &owner) == 0 else { throw KeyDirectoryError(path: root, reason: String(cString: strerror(errno))) }
        if mkdir(folder, 0o750) == 0 {
            if geteuid() == 0 { _ = chown(folder, owner.st_uid, owner.st_gid) }
        } else if errno != EEXIST {
            throw KeyDirectoryError(path: folder, reason: String(cString: strerror(errno)))
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw KeyDirectoryError(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        if geteuid() == 0 { _ = fchown(descriptor, owner.st_uid, owner.st_gid) }
        let count = octets.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count == octets.count, fsync(descriptor) == 0 else {
            unlink(path)
            throw KeyDirectoryError(path: path, reason: "the file cannot be written")
        }
    }
}
