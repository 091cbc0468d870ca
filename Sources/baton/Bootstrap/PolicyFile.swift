import Dispatch
import Glibc
import Receiving

/// Keeps what greylisting and the breaker know over a restart: a snapshot in the spool's directory, replaced as a whole.
///
/// Touched by its owner and, in the timer, by its queue; losing it costs strangers one more delay, so nothing is synced and no failure stops anything.
final class PolicyFile: @unchecked Sendable {
    private let path: String
    private let engine: PolicyEngine
    private let queue = DispatchQueue(label: "baton.policy")
    private let timer: any DispatchSourceTimer

    /// How often it is written.
    private static let interval = DispatchTimeInterval.seconds(300)
    /// A file above this is none of ours.
    private static let maxOctets = 1 << 30

    /// Reads the snapshot in `directory` and begins to write new ones.
    init(directory: String, engine: PolicyEngine) {
        path = directory + "/policy"
        self.engine = engine
        timer = DispatchSource.makeTimerSource(queue: queue)
        if let bytes = PolicyFile.read(path) { engine.restore(bytes) }
        timer.setEventHandler { [path, engine] in PolicyFile.write(engine.snapshot, to: path) }
        timer.schedule(deadline: .now() + PolicyFile.interval, repeating: PolicyFile.interval)
        timer.resume()
    }

    /// Writes the last snapshot.
    func close() {
        timer.cancel()
        queue.sync { PolicyFile.write(engine.snapshot, to: path) }
    }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, (1...maxOctets).contains(facts.st_size) else { return nil }
        var bytes = [UInt8](repeating: 0, count: facts.st_size)
        var filled = 0
        while filled < bytes.count {
            let count = bytes[filled...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            filled += count
        }
        return Array(bytes[..<filled])
    }

    private static func write(_ bytes: [UInt8], to path: String) {
        let new = path + ".new"
        unlink(new)
        let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            written += count
        }
        Glibc.close(descriptor)
        if written == bytes.count { rename(new, path) } else { unlink(new) }
    }
}
