/// Where a canonicalizer puts what it lets through.
protocol CanonicalSink {
    /// Takes octets that are valid during the call only.
    mutating func write(_ octets: UnsafeRawBufferPointer)
}

/// Canonicalizes a body that arrives in chunks, cut anywhere (RFC 6376 §3.4.3, §3.4.4).
///
/// Octets that may still turn out not to count (white space and line ends at the end of what has come)
/// are remembered as numbers; everything else goes on as whole runs of the chunk.
struct BodyCanonicalizer {
    let canonicalization: Canonicalization
    /// Line ends that count only if something follows them.
    private var lineEnds = 0
    /// White space that counts only if something but a line end follows it; relaxed only.
    private var hasBlank = false
    /// A CR at the end of the last chunk, which may be half of a line end.
    private var hasReturn = false
    /// Whether the body has anything but empty lines.
    private var hasText = false

    init(_ canonicalization: Canonicalization) { self.canonicalization = canonicalization }

    mutating func receive(_ chunk: UnsafeRawBufferPointer, into sink: inout some CanonicalSink) {
        var start = 0
        if hasReturn, chunk.count > 0 {
            hasReturn = false
            if chunk[0] == 0x0a {
                endLine()
                start = 1
            } else {
                release(&sink)
                sink.write(0x0d)
            }
        }
        switch canonicalization {
        case .simple: receiveSimple(chunk, from: start, into: &sink)
        case .relaxed: receiveRelaxed(chunk, from: start, into: &sink)
        }
    }

    /// The end of the body: an empty one is a CRLF in the simple form and nothing in the relaxed one.
    mutating func finish(into sink: inout some CanonicalSink) {
        if hasReturn {
            hasReturn = false
            release(&sink)
            sink.write(0x0d)
        }
        // White space before the end is white space at the end of a line.
        if hasText || canonicalization == .simple { sink.writeLineEnds(1) }
    }

    private mutating func endLine() {
        hasBlank = false
        lineEnds += 1
    }

    /// Text comes: what was remembered counts.
    private mutating func release(_ sink: inout some CanonicalSink) {
        if lineEnds > 0 {
            sink.writeLineEnds(lineEnds)
            lineEnds = 0
        }
        if hasBlank {
            sink.write(0x20)
            hasBlank = false
        }
        hasText = true
    }

    /// Only line ends at the very end can disappear: they are looked for backwards.
    private mutating func receiveSimple(_ chunk: UnsafeRawBufferPointer, from start: Int, into sink: inout some CanonicalSink) {
        var end = chunk.count
        guard end > start else { return }
        if chunk[end - 1] == 0x0d {
            hasReturn = true
            end -= 1
        }
        var trailing = 0
        while end - start >= 2, chunk[end - 1] == 0x0a, chunk[end - 2] == 0x0d {
            end -= 2
            trailing += 1
        }
        if end > start {
            release(&sink)
            sink.write(UnsafeRawBufferPointer(rebasing: chunk[start..<end]))
        }
        lineEnds += trailing
    }

    private mutating func receiveRelaxed(_ chunk: UnsafeRawBufferPointer, from start: Int, into sink: inout some CanonicalSink) {
        // Before `tail` every line end counts, as text follows it in this very chunk: only there are long runs let through.
        var tail = chunk.count
        while tail > start, chunk[tail - 1].isBlankOrLineEnd { tail -= 1 }
        var index = start
        while index < chunk.count {
            let octet = chunk[index]
            if octet == 0x20 || octet == 0x09 {
                hasBlank = true
                index += 1
            } else if octet == 0x0d, index + 1 == chunk.count {
                hasReturn = true
                index += 1
            } else if octet == 0x0d, chunk[index + 1] == 0x0a {
                endLine()
                index += 2
            } else {
                release(&sink)
                let end = index < tail ? chunk.nextBlankToRelax(from: index + 1, to: tail) : index + 1
                sink.write(UnsafeRawBufferPointer(rebasing: chunk[index..<end]))
                index = end
            }
        }
    }
}

extension CanonicalSink {
    fileprivate mutating func write(_ octet: UInt8) {
        withUnsafeBytes(of: octet) { write($0) }
    }

    fileprivate mutating func writeLineEnds(_ count: Int) {
        var left = count
        while left > 0 {
            let piece = min(left, LineEnds.octets.count / 2)
            LineEnds.octets.withUnsafeBytes { write(UnsafeRawBufferPointer(rebasing: $0[..<(piece * 2)])) }
            left -= piece
        }
    }
}

/// Line ends to write from.
private enum LineEnds {
    static let octets: [UInt8] = (0..<2048).map { $0.isMultiple(of: 2) ? 0x0d : 0x0a }
}

extension UInt8 {
    fileprivate var isBlankOrLineEnd: Bool { self == 0x20 || self == 0x09 || self == 0x0d || self == 0x0a }
}

extension UnsafeRawBufferPointer {
    /// The first index of `start..<end` where white space begins that the relaxed form changes; `end` if there is none.
    ///
    /// A single space between other octets stays as it is. The octet at `end - 1` must not be white space.
    fileprivate func nextBlankToRelax(from start: Int, to end: Int) -> Int {
        guard let baseAddress else { return end }
        let tab = SIMD16<UInt8>(repeating: 0x09), space = SIMD16<UInt8>(repeating: 0x20), carriageReturn = SIMD16<UInt8>(repeating: 0x0d)
        var index = start
        while end - index > 16 {
            let octets = (baseAddress + index).loadUnaligned(as: SIMD16<UInt8>.self)
            let next = (baseAddress + index + 1).loadUnaligned(as: SIMD16<UInt8>.self)
            // A space before a tab needs no test of its own: the tab is found, and the octet test below goes one back.
            let found = (octets .== tab) .| ((octets .== space) .& ((next .== space) .| (next .== carriageReturn)))
            let words = unsafeBitCast(found, to: SIMD2<UInt64>.self)
            if words[0] | words[1] != 0 { break }
            index &+= 16
        }
        // The last space of the stride before may belong to a tab at the start of this one.
        if index > start, self[index - 1] == 0x20 { index -= 1 }
        while index < end {
            let octet = self[index]
            if octet == 0x09 { return index }
            if octet == 0x20, index + 1 < end {
                let next = self[index + 1]
                if next == 0x20 || next == 0x09 || next == 0x0d { return index }
            }
            index += 1
        }
        return end
    }
}
