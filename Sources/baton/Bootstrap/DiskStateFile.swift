import Dispatch
import Glibc
import Logging
import MailAuth

/// A small state file: written beside, synced, and renamed into place.
///
/// Writing happens on a queue of its own, since the loops must not wait for a disk.
final class DiskStateFile: StateFile, Sendable {
    private let queue = DispatchQueue(label: "baton.state")
    private let path: String
    private let logger: Logger
    /// Larger files are damaged or not ours.
    private static let maxOctets = 64 * 1024 * 1024

    init(_ path: String, logger: Logger) {
        self.path = path
        self.logger = logger
    }

    func read() -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while content.count <= DiskStateFile.maxOctets {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count <= 0 { return count == 0 ? content : nil }
            content.append(contentsOf: buffer[..<count])
        }
        return nil
    }

    func write(_ content: [UInt8]) {
        queue.async { [self] in
            guard let problem = replace(content) else { return }
            logger.warning("state-file", metadata: ["path": "\(path)", "reason": "\(problem)"])
        }
    }

    /// Waits until everything is written.
    func finish() { queue.sync {} }

    private func replace(_ content: [UInt8]) -> String? {
        let new = path + ".new"
        unlink(new)
        let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        let isWritten = rest.isEmpty && fdatasync(descriptor) == 0
        let isClosed = close(descriptor) == 0
        guard isWritten, isClosed, rename(new, path) == 0 else { return String(cString: strerror(errno)) }
        return nil
    }
}
