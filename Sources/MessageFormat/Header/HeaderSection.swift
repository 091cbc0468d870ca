import Glibc

/// Where the header fields of a message lie in its bytes (RFC 5322 §2.1), found without copying.
///
/// All indices count from the start of the bytes that were scanned. Lines end in CRLF or LF. The
/// section knows positions only: methods that look at a field take the same bytes again.
public struct HeaderSection: Hashable, Sendable {
    /// One field, folds included.
    public struct Field: Hashable, Sendable {
        /// The name, without the blanks that obsolete syntax allows before the colon.
        public let name: Range<Int>
        /// Everything after the colon, without the final line end.
        public let body: Range<Int>
        /// The whole field with its final line end.
        public let lines: Range<Int>
    }

    /// What ended the section.
    public enum Ending: Hashable, Sendable {
        /// An empty line, as it should be.
        case emptyLine
        /// The bytes ended: a message without a body.
        case endOfInput
        /// A line that is neither field nor empty; scanners that disagree here can be played off against each other.
        case malformedLine
    }

    /// The fields from top to bottom.
    public let fields: [Field]
    /// The index after the last field.
    public let end: Int
    /// The index of the first octet of the body: after the empty line, or the start of a malformed one.
    public let bodyStart: Int
    /// What ended the section.
    public let ending: Ending

    /// Scans the header section at the start of `bytes`.
    public init(scanning bytes: Span<UInt8>, limits: HeaderLimits = .standard) throws(HeaderError) {
        try self.init(scanning: bytes, from: 0, limits: limits)
    }

    /// Scans the header section at the start of `bytes`.
    public init(scanning bytes: [UInt8], limits: HeaderLimits = .standard) throws(HeaderError) {
        try self.init(scanning: bytes.span, from: 0, limits: limits)
    }

    /// Scans a section of header fields that begins at `start` of `bytes`.
    public init(scanning bytes: Span<UInt8>, from start: Int, limits: HeaderLimits = .standard) throws(HeaderError) {
        var fields: [Field] = []
        fields.reserveCapacity(16)
        var index = start
        var ending = Ending.endOfInput
        var bodyStart = bytes.count
        while index < bytes.count {
            let empty = HeaderSection.emptyLineLength(bytes, at: index)
            if empty > 0 {
                ending = .emptyLine
                bodyStart = index + empty
                break
            }
            guard let name = HeaderSection.fieldName(bytes, at: index) else {
                ending = .malformedLine
                bodyStart = index
                break
            }
            guard fields.count < limits.fields else { throw .tooManyFields }
            let lineEnd = HeaderSection.fieldEnd(bytes, from: name.colon + 1)
            guard lineEnd.next - start <= limits.octets else { throw .tooLong }
            fields.append(Field(name: index..<name.end, body: (name.colon + 1)..<max(lineEnd.text, name.colon + 1),
                                lines: index..<lineEnd.next))
            index = lineEnd.next
        }
        self.fields = fields
        self.end = index
        self.bodyStart = bodyStart
        self.ending = ending
    }

    /// How many `Received` fields there are: the hops that a loop check counts (RFC 5321 §6.3).
    public func receivedCount(in bytes: Span<UInt8>) -> Int { count(of: .received, in: bytes) }

    /// How many fields are named `name`.
    public func count(of name: HeaderName, in bytes: Span<UInt8>) -> Int {
        var count = 0
        for field in fields where HeaderSection.matches(field, name, bytes) { count += 1 }
        return count
    }

    /// The first field named `name`.
    public func first(_ name: HeaderName, in bytes: Span<UInt8>) -> Field? {
        for field in fields where HeaderSection.matches(field, name, bytes) { return field }
        return nil
    }

    /// All fields named `name`, from top to bottom.
    public func all(_ name: HeaderName, in bytes: Span<UInt8>) -> [Field] {
        var found: [Field] = []
        for field in fields where HeaderSection.matches(field, name, bytes) { found.append(field) }
        return found
    }

    /// The mailboxes that `Delivered-To` fields name: where the mail was before (a loop through aliases or forwarding).
    public func deliveries(in bytes: Span<UInt8>) -> Set<EmailAddress> {
        var addresses: Set<EmailAddress> = []
        for field in fields where HeaderSection.matches(field, .deliveredTo, bytes) {
            if let address = try? EmailAddress(parsing: text(of: field, in: bytes)) { addresses.insert(address) }
        }
        return addresses
    }

    /// The body of `field` unfolded and trimmed, as text that is safe to show: controls become spaces, bad UTF-8 U+FFFD.
    public func text(of field: Field, in bytes: Span<UInt8>) -> String {
        let range = field.body.clamped(to: 0..<bytes.count)
        var octets: [UInt8] = []
        octets.reserveCapacity(range.count)
        for index in range {
            let octet = bytes[index]
            // A fold is the line end alone; the blank after it belongs to the text (RFC 5322 §2.2.3).
            if octet == 0x0a || (octet == 0x0d && index + 1 < range.upperBound && bytes[index + 1] == 0x0a) { continue }
            octets.append(octet)
        }
        return VisibleText.from(octets)
    }

    private static func matches(_ field: Field, _ name: HeaderName, _ bytes: Span<UInt8>) -> Bool {
        let text = name.text.utf8
        guard text.count == field.name.count, field.name.upperBound <= bytes.count else { return false }
        var index = field.name.lowerBound
        for octet in text {
            if bytes[index].asciiLowercased != octet.asciiLowercased { return false }
            index += 1
        }
        return true
    }

    /// The length of the line end at `index`, 0 when the line there has text.
    private static func emptyLineLength(_ bytes: Span<UInt8>, at index: Int) -> Int {
        if bytes[index] == 0x0a { return 1 }
        return bytes[index] == 0x0d && index + 1 < bytes.count && bytes[index + 1] == 0x0a ? 2 : 0
    }

    private static func fieldName(_ bytes: Span<UInt8>, at start: Int) -> (end: Int, colon: Int)? {
        var index = start
        while index < bytes.count, OctetClass.fieldName.contains(bytes[index]) { index += 1 }
        let end = index
        while index < bytes.count, bytes[index].isWhitespace { index += 1 }
        guard end > start, index < bytes.count, bytes[index] == 0x3a else { return nil }
        return (end, index)
    }

    /// The end of the text and of the last line of the field whose body begins at `start`.
    private static func fieldEnd(_ bytes: Span<UInt8>, from start: Int) -> (text: Int, next: Int) {
        var index = start
        while let newline = bytes.firstNewline(from: index) {
            index = newline + 1
            if index < bytes.count, bytes[index].isWhitespace { continue }
            let hasReturn = newline > start && bytes[newline - 1] == 0x0d
            return (hasReturn ? newline - 1 : newline, index)
        }
        return (bytes.count, bytes.count)
    }
}

extension Span<UInt8> {
    /// The index of the first LF at or after `start`.
    func firstNewline(from start: Int) -> Int? {
        guard start < count else { return nil }
        return withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress, let found = memchr(base + start, 0x0a, buffer.count - start) else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }
}
