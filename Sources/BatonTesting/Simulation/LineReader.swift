import Glibc

/// Cuts input into lines, for peers that must not share code with what they test.
struct LineReader {
    private var buffer: [UInt8] = []
    private var start = 0

    var isEmpty: Bool { start == buffer.count }

    mutating func append(_ bytes: UnsafeRawBufferPointer) { buffer += bytes }

    /// The next line without its CRLF; nil as long as it is not complete.
    mutating func next() -> ArraySlice<UInt8>? {
        guard let end = endOfLine() else { return nil }
        let line = buffer[start..<end]
        start = end + 2
        if start > 65_536 { compact() }
        return line
    }

    /// Where the next CRLF is.
    private func endOfLine() -> Int? {
        buffer.withUnsafeBytes { bytes in
            var index = start
            while index + 1 < bytes.count, let base = bytes.baseAddress {
                guard let found = memchr(base + index, 13, bytes.count - 1 - index) else { return nil }
                index = UnsafeRawPointer(found) - base
                if bytes[index + 1] == 10 { return index }
                index += 1
            }
            return nil
        }
    }

    /// Up to `count` bytes as they come.
    mutating func take(_ count: Int) -> ArraySlice<UInt8> {
        let end = min(start + count, buffer.count)
        defer { start = end }
        return buffer[start..<end]
    }

    private mutating func compact() {
        buffer.removeFirst(start)
        start = 0
    }
}
