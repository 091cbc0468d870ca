/// Parses the paths of MAIL and RCPT from the bytes of a command (RFC 5321 §4.1.2).
///
/// Source routes are accepted and dropped (RFC 5321 §4.1.1.3, App. C). What follows the path is left
/// to the caller, who gets the index of its first octet.
public struct PathParser: Hashable, Sendable {
    /// Whether a path may stand without its `<` and `>`.
    public enum Brackets: Hashable, Sendable {
        /// As the grammar says.
        case required
        /// Also a bare mailbox, which then ends before the first space.
        case optional
    }

    /// Whether `<` and `>` may be missing.
    public var brackets: Brackets
    /// The longest local part and path.
    public var limits: AddressLimits

    /// A parser with the rules of RFC 5321 unless told otherwise.
    public init(brackets: Brackets = .required, limits: AddressLimits = .standard) {
        self.brackets = brackets
        self.limits = limits
    }

    /// Parses the reverse-path at the start of `bytes`; `end` is the index after it.
    public func reversePath(in bytes: Span<UInt8>) throws(AddressError) -> (path: ReversePath, end: Int) {
        if bytes.count >= 2, bytes[0] == 0x3c, bytes[1] == 0x3e { return (.null, 2) }
        let (address, end) = try path(in: bytes)
        return (.mailbox(address), end)
    }

    /// Parses the forward-path at the start of `bytes`; `end` is the index after it.
    public func forwardPath(in bytes: Span<UInt8>) throws(AddressError) -> (path: ForwardPath, end: Int) {
        if bytes.count >= 2, bytes[0] == 0x3c, bytes[1] == 0x3e { throw .nullPath }
        if let end = postmasterEnd(in: bytes) { return (.postmaster, end) }
        let (address, end) = try path(in: bytes)
        return (.mailbox(address), end)
    }

    /// Parses the whole of `text` as a reverse-path.
    public func reversePath(_ text: some StringProtocol) throws(AddressError) -> ReversePath {
        let bytes = Array(text.utf8)
        let (path, end) = try reversePath(in: bytes.span)
        guard end == bytes.count else { throw .trailingText }
        return path
    }

    /// Parses the whole of `text` as a forward-path.
    public func forwardPath(_ text: some StringProtocol) throws(AddressError) -> ForwardPath {
        let bytes = Array(text.utf8)
        let (path, end) = try forwardPath(in: bytes.span)
        guard end == bytes.count else { throw .trailingText }
        return path
    }

    private func path(in bytes: Span<UInt8>) throws(AddressError) -> (EmailAddress, end: Int) {
        guard !bytes.isEmpty else { throw .empty }
        guard bytes[0] == 0x3c else {
            guard brackets == .optional else { throw .missingBracket }
            let (address, end) = try MailboxParser(limits).mailbox(in: bytes, from: 0)
            guard end == bytes.count || bytes[end] == 0x20 else { throw .trailingText }
            guard end + 2 <= limits.path else { throw .pathTooLong }
            return (address, end)
        }
        var start = 1
        if bytes.count > 1, bytes[1] == 0x40 { start = try sourceRouteEnd(in: bytes) }
        let (address, end) = try MailboxParser(limits).mailbox(in: bytes, from: start)
        guard end < bytes.count else { throw .missingBracket }
        guard bytes[end] == 0x3e else { throw bytes[end].isControl ? .controlCharacter : .domain }
        guard end + 1 <= limits.path else { throw .pathTooLong }
        return (address, end + 1)
    }

    /// The index after `@a.example,@b.example:`.
    private func sourceRouteEnd(in bytes: Span<UInt8>) throws(AddressError) -> Int {
        var index = 1
        while index < bytes.count, bytes[index] == 0x40 {
            (_, index) = try Domain.prefix(of: bytes, from: index + 1)
            guard index < bytes.count, index < limits.path else { throw .sourceRoute }
            if bytes[index] == 0x3a { return index + 1 }
            guard bytes[index] == 0x2c else { throw .sourceRoute }
            index += 1
        }
        throw .sourceRoute
    }

    private func postmasterEnd(in bytes: Span<UInt8>) -> Int? {
        let word: StaticString = "postmaster"
        let length = word.utf8CodeUnitCount
        let start = !bytes.isEmpty && bytes[0] == 0x3c ? 1 : 0
        guard start == 1 || brackets == .optional, bytes.count >= start + length else { return nil }
        for offset in 0..<length where bytes[start + offset].asciiLowercased != word.utf8Start[offset] { return nil }
        let end = start + length
        if start == 0 { return end == bytes.count || bytes[end] == 0x20 ? end : nil }
        return end < bytes.count && bytes[end] == 0x3e ? end + 1 : nil
    }
}
