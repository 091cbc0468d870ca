/// Finds the lines in a stream of commands or replies, each of bounded length (RFC 5321 §2.3.8).
public struct LineFramer: Sendable {
    /// What is at the front of the input.
    public enum Result: Hashable, Sendable {
        /// No whole line yet; the first `consumed` octets can be dropped.
        case incomplete(consumed: Int)
        /// A line of `count` octets ended by CRLF; it takes `count + 2` octets of the input.
        case line(count: Int)
        /// A line of `count` octets ended by a bare LF; it takes `count + 1` octets of the input.
        case bareLineFeed(count: Int)
        /// A line that was too long has ended; drop `consumed` octets.
        case tooLong(consumed: Int)
    }

    /// The longest line with its CRLF.
    public var lineOctetsMax: Int
    private var searched = 0
    private var isDiscarding = false

    /// A framer of lines of up to `lineOctetsMax` octets, CRLF included.
    public init(lineOctetsMax: Int) { self.lineOctetsMax = lineOctetsMax }

    /// Looks for a line at the start of `input`: what was not consumed before, and what came after it.
    public mutating func next(in input: UnsafeRawBufferPointer) -> Result {
        guard let lineFeed = input.firstIndex(of: Octet.lf, in: min(searched, input.count)..<input.count) else {
            // One octet more than the limit proves that the line is over it, wherever the input was cut.
            if isDiscarding || input.count >= lineOctetsMax {
                isDiscarding = true
                searched = 0
                return .incomplete(consumed: input.count)
            }
            searched = input.count
            return .incomplete(consumed: 0)
        }
        searched = 0
        if isDiscarding || lineFeed + 1 > lineOctetsMax {
            isDiscarding = false
            return .tooLong(consumed: lineFeed + 1)
        }
        guard lineFeed > 0, input[lineFeed - 1] == Octet.cr else { return .bareLineFeed(count: lineFeed) }
        return .line(count: lineFeed - 1)
    }

    /// Forgets what was searched: the input starts anew.
    public mutating func reset() {
        searched = 0
        isDiscarding = false
    }
}
