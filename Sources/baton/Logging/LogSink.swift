import Dispatch
import Events
import Glibc
import Logging
import Synchronization

/// Where log lines go: collected in memory, written to a descriptor by a queue of its own.
///
/// A reader that stalls (a full pipe, a slow journal) must never stop mail: beyond `limit` bytes
/// lines are counted and dropped, and the count is written where they are missing.
final class LogSink: Sendable {
    /// What becomes one line.
    private enum Entry: Sendable {
        case line([UInt8])
        // In a box: what an event says is large, and entries are moved when their array grows.
        indirect case event(MailEvent, Envelope?)

        /// About the bytes that it holds.
        var cost: Int {
            switch self {
            case .line(let bytes): bytes.count
            case .event: 1024
            }
        }
    }

    private struct Buffer {
        var entries: [Entry] = []
        var cost = 0
        var droppedLines = 0
        var isScheduled = false
        var format: LogFormat
    }

    // Apart from the lines: it is asked for lines that are never written too.
    private let levelLock: Mutex<Logger.Level>

    private let buffer: Mutex<Buffer>
    private let queue = DispatchQueue(label: "baton.log")
    private let descriptor: CInt
    private let limit: Int
    private let delay: DispatchTimeInterval

    /// A sink that writes to `descriptor`, a `delay` after the first line that waits, and holds at most `limit` bytes in memory.
    init(descriptor: CInt = STDOUT_FILENO, format: LogFormat = .text, level: Logger.Level = .info, limit: Int = 4 << 20,
         delay: DispatchTimeInterval = .milliseconds(20)) {
        levelLock = Mutex(level)
        buffer = Mutex(Buffer(format: format))
        self.descriptor = descriptor
        self.limit = limit
        self.delay = delay
    }

    /// How lines look.
    var format: LogFormat {
        get { buffer.withLock { $0.format } }
        set { buffer.withLock { $0.format = newValue } }
    }

    /// The least level that is written.
    var level: Logger.Level {
        get { levelLock.withLock { $0 } }
        set { levelLock.withLock { $0 = newValue } }
    }

    /// Takes the fields of one line.
    func append(_ fields: [EventField]) { append(format.line(fields)) }

    /// Takes one line, which must end in LF and hold no other.
    func append(_ line: [UInt8]) { append(.line(line)) }

    /// Takes an event; it is put into words on the sink's own thread, for the caller has mail to carry.
    func append(_ event: MailEvent, envelope: Envelope?) { append(.event(event, envelope)) }

    private func append(_ entry: Entry) {
        let mustSchedule = buffer.withLock { buffer in
            if buffer.cost + entry.cost > limit {
                buffer.droppedLines += 1
            } else {
                buffer.entries.append(entry)
                buffer.cost += entry.cost
            }
            defer { buffer.isScheduled = true }
            return !buffer.isScheduled
        }
        // A little later rather than at once: one write carries the lines of many messages.
        if mustSchedule { queue.asyncAfter(deadline: .now() + delay) { self.drain() } }
    }

    /// Writes what is held; returns when it is written.
    func flush() {
        queue.sync { drain() }
    }

    private func drain() {
        let full = buffer.withLock { buffer in
            defer { buffer = Buffer(format: buffer.format) }
            return buffer
        }
        var bytes: [UInt8] = []
        for entry in full.entries {
            switch entry {
            case .line(let line): bytes += line
            case .event(let event, let envelope): full.format.append(event, envelope: envelope, to: &bytes)
            }
        }
        write(bytes)
        guard full.droppedLines > 0 else { return }
        write(full.format.line([
            EventField("event", .text("lines-dropped")), EventField("lines", .number(Int64(full.droppedLines))),
            EventField("reason", .text("the reader of the log is too slow")),
        ]))
    }

    private func write(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                offset += written
            } else if errno == EAGAIN {
                var descriptorState = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&descriptorState, 1, 1000)
            } else if errno != EINTR {
                return
            }
        }
    }
}
