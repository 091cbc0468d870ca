import Foundation
import Glibc

/// The file of the database: nobody but the daemon's user may read it.
enum AccountFile {
    /// Makes the file with narrow permissions before SQLite would make it with wide ones.
    static func prepare(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            guard errno == EEXIST else { throw AccountError.database("\(path): \(String(cString: strerror(errno)))") }
            return
        }
        defer { close(descriptor) }
        // Made by root for a daemon that runs as somebody else: it belongs to whom the directory belongs to.
        var folder = stat()
        let parent = (path as NSString).deletingLastPathComponent
        if geteuid() == 0, stat(parent.isEmpty ? "." : parent, &folder) == 0 {
            guard fchown(descriptor, folder.st_uid, folder.st_gid) == 0 else {
                throw AccountError.database("\(path): \(String(cString: strerror(errno)))")
            }
        }
    }
}
