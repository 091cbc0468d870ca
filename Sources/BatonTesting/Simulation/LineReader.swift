/// Cuts input into lines, for peers that must not share code with what they test.
struct LineReader {
    private var buffer: [UInt8] = []
    private var start = 0

    var isEmpty: Bool { start == buffer.count }

    mutating func append(_ bytes: UnsafeRawBufferPointer) { buffer += bytes }

    /// The next line without its CRLF; nil as long as it is not complete.
    mutating func next() -> ArraySlice<UInt8>? {
        var index = start
        while index + 1 < buffer.count {
            if buffer[index] == 13, buffer[index + 1] == 10 {
                let line = buffer[start..<index]
                start = index + 2
                if start > 65_536 { compact() }
                return line
            }
            index += 1
        }
        return nil
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
