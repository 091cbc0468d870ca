import Glibc
import MessageFormat

/// Finds where the header section of a message ends while the message arrives in chunks, cut anywhere.
public struct MessageSplitter {
    /// What a chunk brought.
    public enum Progress: Hashable, Sendable {
        /// The header section goes on; the whole chunk belongs to it.
        case header
        /// The header section, with its empty line, is complete; the body starts at `bodyStart` of this chunk.
        case complete(bodyStart: Int)
        /// The header section is longer than the limit: the message cannot be signed or verified.
        case tooLong
    }

    /// The octets of the header section so far, its final empty line included.
    public private(set) var header: [UInt8] = []
    /// Whether the header section has ended.
    public private(set) var isComplete = false
    private let limit: Int
    /// Where the line that is being read started in `header`.
    private var lineStart = 0

    /// A splitter of a header section of at most `limit` octets.
    public init(limit: Int = HeaderLimits.standard.octets) { self.limit = limit }

    /// Takes the next chunk; once `.complete` or `.tooLong` is returned, further chunks must not be given.
    public mutating func receive(_ chunk: UnsafeRawBufferPointer) -> Progress {
        guard let base = chunk.baseAddress else { return .header }
        var index = 0
        while index < chunk.count, let found = memchr(base + index, 0x0a, chunk.count - index) {
            let end = UnsafeRawPointer(found) - base + 1
            guard header.count + end - index <= limit else { return .tooLong }
            header.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[index..<end]))
            index = end
            let length = header.count - lineStart
            if length == 1 || (length == 2 && header[lineStart] == 0x0d) {
                isComplete = true
                return .complete(bodyStart: end)
            }
            lineStart = header.count
        }
        guard header.count + chunk.count - index <= limit else { return .tooLong }
        header.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[index...]))
        return .header
    }
}
