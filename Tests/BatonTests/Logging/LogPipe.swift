@testable import baton
import Glibc
import Testing

/// A pipe for a log to be written into, and read back from line by line.
final class LogPipe {
    let writeEnd: CInt
    private let readEnd: CInt
    private var unread: [UInt8] = []

    init() throws {
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// What has been written and not yet been read.
    func text() -> String {
        while fill(wait: 0) {}
        defer { unread = [] }
        return String(decoding: unread, as: UTF8.self)
    }

    /// Reads on to a line that holds all of `words`; nil when none comes for ten seconds.
    func line(with words: String...) -> String? {
        while true {
            while let end = unread.firstIndex(of: 0x0a) {
                let line = String(decoding: unread[..<end], as: UTF8.self)
                unread.removeSubrange(...end)
                if words.allSatisfy(line.contains) { return line }
            }
            guard fill(wait: 10_000) else { return nil }
        }
    }

    private func fill(wait milliseconds: CInt) -> Bool {
        var state = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
        guard poll(&state, 1, milliseconds) > 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = read(readEnd, &buffer, buffer.count)
        guard count > 0 else { return false }
        unread += buffer[..<count]
        return true
    }
}
