import Glibc

/// Why what a peer sent is not a reply that can be believed.
public enum ReplyError: Error, Hashable, Sendable {
    /// A line without a code of three digits in 200…599, or without space or hyphen after it.
    case malformed
    /// The lines of one reply carry different codes (RFC 5321 §4.2.1).
    case codeChanged
    /// A line longer than `ReplyParser.maxLineOctets`, or one that does not end.
    case lineTooLong
    /// A reply of more lines or octets than any honest server sends.
    case endless
}

/// Splits what a server sends into replies (RFC 5321 §4.2), in bounded memory whatever comes in.
///
/// It takes `CRLF` and lone `LF` as line ends, and a code without text. Text is kept up to a limit
/// and made printable: it goes into logs and delivery reports, and its author is a stranger.
public struct ReplyParser: Sendable {
    /// Longest line taken, with its line end; RFC 5321 §4.5.3.1.5 asks for 512.
    public static let maxLineOctets = 4096
    /// Octets of a line's text that are kept.
    public static let keptLineOctets = 512
    /// Lines of a reply that are kept.
    public static let keptLines = 100
    /// Lines after which a reply counts as endless.
    public static let maxLines = 1000
    /// Octets after which a reply counts as endless.
    public static let maxReplyOctets = 128 * 1024
    /// Octets that may wait unread.
    public static let maxUnreadOctets = 512 * 1024

    private var buffer: [UInt8] = []
    private var unread = 0
    private var searched = 0
    private var code = 0
    private var enhanced: EnhancedStatusCode?
    private var lines: [String] = []
    private var lineCount = 0
    private var octets = 0
    private var failure: ReplyError?

    /// A parser at the start of a connection.
    public init() {}

    /// Whether octets wait that no reply has used up yet.
    public var hasUnreadInput: Bool { unread < buffer.count || lineCount > 0 }

    /// Takes what came in; `next` then gives the replies.
    public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
        if unread > 0 { dropRead() }
        guard buffer.count + bytes.count <= ReplyParser.maxUnreadOctets else {
            failure = .endless
            return
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next complete reply, or nil when more input is needed; after an error every call throws it again.
    public mutating func next() throws(ReplyError) -> Reply? {
        if let failure { throw failure }
        do throws(ReplyError) {
            while let line = takeLine() {
                if let reply = try parse(line) { return reply }
            }
            guard buffer.count - unread <= ReplyParser.maxLineOctets else { throw .lineTooLong }
            return nil
        } catch {
            failure = error
            throw error
        }
    }

    private mutating func dropRead() {
        searched -= unread
        if unread == buffer.count {
            buffer.removeAll(keepingCapacity: true)
        } else {
            buffer.removeFirst(unread)
        }
        unread = 0
    }

    /// Indices of the next line with its line end, taken off the input.
    private mutating func takeLine() -> Range<Int>? {
        let from = max(searched, unread)
        let end: Int? = buffer.withUnsafeBytes { bytes in
            guard from < bytes.count, let base = bytes.baseAddress,
                  let found = memchr(base + from, Int32(UInt8(ascii: "\n")), bytes.count - from) else { return nil }
            return UnsafeRawPointer(found) - base + 1
        }
        guard let end else {
            searched = buffer.count
            return nil
        }
        defer { unread = end; searched = end }
        return unread..<end
    }

    private mutating func parse(_ line: Range<Int>) throws(ReplyError) -> Reply? {
        guard line.count <= ReplyParser.maxLineOctets else { throw .lineTooLong }
        octets += line.count
        lineCount += 1
        guard octets <= ReplyParser.maxReplyOctets, lineCount <= ReplyParser.maxLines else { throw .endless }
        var end = line.upperBound - 1
        if end > line.lowerBound, buffer[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        guard let lineCode = code(from: line.lowerBound, to: end) else { throw .malformed }
        var isLast = true
        if line.lowerBound + 3 < end {
            switch buffer[line.lowerBound + 3] {
            case UInt8(ascii: " "): break
            case UInt8(ascii: "-"): isLast = false
            default: throw .malformed
            }
        }
        if lineCount == 1 { code = lineCode }
        guard lineCode == code else { throw .codeChanged }
        keep(text: min(line.lowerBound + 4, end)..<end)
        guard isLast else { return nil }
        let reply = Reply(code: code, enhanced: enhanced, lines: lines)
        lines = []
        enhanced = nil
        lineCount = 0
        octets = 0
        return reply
    }

    private func code(from start: Int, to end: Int) -> Int? {
        guard end - start >= 3, (0x32...0x35).contains(buffer[start]), (0x30...0x39).contains(buffer[start + 1]),
              (0x30...0x39).contains(buffer[start + 2]) else { return nil }
        return Int(buffer[start] - 0x30) * 100 + Int(buffer[start + 1] - 0x30) * 10 + Int(buffer[start + 2] - 0x30)
    }

    private mutating func keep(text: Range<Int>) {
        guard lineCount <= ReplyParser.keptLines else { return }
        var start = text.lowerBound
        if let (status, length) = enhancedStatusCode(in: text), lineCount == 1 || status == enhanced {
            enhanced = status
            start += length
        }
        let end = min(text.upperBound, start + ReplyParser.keptLineOctets)
        lines.append(buffer.withUnsafeBytes { printableText(UnsafeRawBufferPointer(rebasing: $0[start..<end])) })
    }

    /// The enhanced status code that `text` begins with (RFC 2034 §4), and its length with the space after it.
    ///
    /// A class that contradicts the reply code is no status code: it is left in the text.
    private func enhancedStatusCode(in text: Range<Int>) -> (EnhancedStatusCode, Int)? {
        guard text.count >= 5, buffer[text.lowerBound + 1] == UInt8(ascii: "."),
              let (status, end) = EnhancedStatusCode.prefix(of: buffer[text]), Int(status.class) == code / 100,
              end == text.upperBound || buffer[end] == UInt8(ascii: " ") else { return nil }
        return (status, min(end + 1, text.upperBound) - text.lowerBound)
    }
}

/// `bytes` as text that can be shown: what is not printable or not UTF-8 becomes a question mark.
func printableText(_ bytes: UnsafeRawBufferPointer) -> String {
    if bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return String(decoding: bytes, as: UTF8.self) }
    var text = String.UnicodeScalarView()
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
        text.append(isPrintable(scalar) ? scalar : "?")
    }
    return String(text)
}

private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7f }
    switch scalar.properties.generalCategory {
    // A format character can turn the direction of a whole log line.
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: return false
    default: return scalar != "\u{FFFD}"
    }
}
