/// Makes a message fit to follow DATA: adds dot-stuffing and the end (RFC 5321 §4.5.2).
///
/// Nothing that leaves here holds a CR or LF outside of CRLF, whatever came in, so that no next hop
/// can see an end that is none. Messages with lines in CRLF pass unchanged but for the stuffing.
public struct DotEncoder: Sendable {
    /// Where the last octet left us.
    private enum State: UInt8 { case lineStart, text, afterCR }

    private var state = State.lineStart

    /// An encoder at the start of a message.
    public init() {}

    /// Encodes the next part of the message.
    public mutating func encode(_ input: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        var index = 0
        var runStart = 0
        func insert(_ octet: UInt8) {
            output.append(runStart..<index, of: input)
            output.append(octet)
            runStart = index
        }
        while index < input.count {
            switch state {
            case .lineStart:
                if input[index] == Octet.dot { insert(Octet.dot) }
                state = .text
            case .afterCR:
                if input[index] == Octet.lf { index += 1 } else { insert(Octet.lf) }
                state = .lineStart
            case .text:
                let lineFeed = input.firstIndex(of: Octet.lf, in: index..<input.count) ?? input.count
                if let carriageReturn = input.firstIndex(of: Octet.cr, in: index..<lineFeed) {
                    index = carriageReturn + 1
                    state = .afterCR
                } else {
                    index = lineFeed
                    guard index < input.count else { break }
                    // A bare LF: the line break that was meant is CRLF.
                    insert(Octet.cr)
                    index += 1
                    state = .lineStart
                }
            }
        }
        output.append(runStart..<index, of: input)
    }

    /// Encodes the next part of the message.
    public mutating func encode(_ part: some Sequence<UInt8>, into output: inout [UInt8]) {
        if part.withContiguousStorageIfAvailable({ encode(UnsafeRawBufferPointer($0), into: &output) }) == nil {
            let copy = Array(part)
            copy.withUnsafeBytes { encode($0, into: &output) }
        }
    }

    /// Ends the message: completes an unfinished last line and adds the final dot.
    public mutating func finish(into output: inout [UInt8]) {
        switch state {
        case .lineStart: break
        case .afterCR: output.append(Octet.lf)
        case .text:
            output.append(Octet.cr)
            output.append(Octet.lf)
        }
        output.append(Octet.dot)
        output.append(Octet.cr)
        output.append(Octet.lf)
        state = .lineStart
    }
}
