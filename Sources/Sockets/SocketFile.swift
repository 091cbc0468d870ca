import Glibc
import NIOCore
import Ports

/// The file of a Unix socket, recognised even when another process has put its own in the same place.
struct SocketFile: Sendable {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// The socket file at `path`; nil when there is none.
    init?(_ path: String) {
        guard let status = SocketFile.status(path) else { return nil }
        self.path = path
        device = status.st_dev
        inode = status.st_ino
    }

    /// Removes the file, unless it has been replaced since.
    func remove() {
        guard let status = SocketFile.status(path), status.st_dev == device, status.st_ino == inode else { return }
        unlink(path)
    }

    /// Removes a socket file that no process serves any more; throws when one does.
    static func removeStale(_ path: String, address: SocketAddress) throws(ListenError) {
        guard status(path) != nil else { return }
        let probe = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { return }
        defer { Glibc.close(probe) }
        let result = address.withSockAddr { Glibc.connect(probe, $0, socklen_t($1)) }
        guard result != 0, errno == ECONNREFUSED else {
            throw ListenError(endpoint: .unix(path: path), operation: "bind", code: EADDRINUSE)
        }
        unlink(path)
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        return status
    }
}
