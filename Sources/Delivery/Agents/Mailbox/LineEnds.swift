import Glibc

/// How lines end in a file of mail.
public enum LineEnds: String, Hashable, Sendable, CaseIterable {
    /// LF, as programs on Unix expect.
    case lf
    /// CRLF: byte for byte as received.
    case crlf
}

/// Turns CRLF into LF in a stream of pieces; a CR that stands alone stays.
struct LineEndConverter {
    private let lineEnds: LineEnds
    /// A CR at the end of the last piece, whose meaning the next one tells.
    private var holdsReturn = false

    init(_ lineEnds: LineEnds) { self.lineEnds = lineEnds }

    /// What of `piece` can be written now.
    mutating func convert(_ piece: [UInt8]) -> [UInt8] {
        guard lineEnds == .lf, !piece.isEmpty else { return piece }
        var output: [UInt8] = []
        output.reserveCapacity(piece.count + 1)
        if holdsReturn, piece.first != 0x0a { output.append(0x0d) }
        holdsReturn = false
        piece.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            var start = 0
            var index = 0
            while index < buffer.count, let found = memchr(base + index, 0x0d, buffer.count - index) {
                index = UnsafeRawPointer(found) - base + 1
                if index == buffer.count {
                    holdsReturn = true
                } else if buffer[index] != 0x0a {
                    continue
                }
                output.append(contentsOf: buffer[start..<(index - 1)])
                start = index
            }
            if !holdsReturn { output.append(contentsOf: buffer[start...]) }
        }
        return output
    }

    /// What is left at the end.
    mutating func finish() -> [UInt8] {
        defer { holdsReturn = false }
        return holdsReturn ? [0x0d] : []
    }
}
