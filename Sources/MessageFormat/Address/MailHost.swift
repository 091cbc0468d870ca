import Ports

/// What stands after the `@`: a domain or an address literal (RFC 5321 §4.1.2, §4.1.3).
///
/// General address literals are refused: no tag but `IPv6` was ever registered.
public enum MailHost: Hashable, Sendable, CustomStringConvertible {
    /// A domain name.
    case domain(Domain)
    /// `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    case literal(IPAddress)

    /// Parses the whole of `text`, brackets included for a literal.
    public init(parsing text: some StringProtocol) throws(AddressError) {
        let bytes = Array(text.utf8)
        let (host, end) = try MailHost.prefix(of: bytes.span, from: 0)
        guard end == bytes.count else { throw bytes[end].isControl ? .controlCharacter : .domain }
        self = host
    }

    /// The domain; nil for a literal.
    public var domain: Domain? {
        if case .domain(let domain) = self { domain } else { nil }
    }

    /// The host as it stands in a mailbox.
    public var description: String {
        switch self {
        case .domain(let domain): domain.ascii
        case .literal(let address):
            if case .v6 = address { "[IPv6:\(address)]" } else { "[\(address)]" }
        }
    }

    /// Parses the host at `start` of `bytes` and tells where it ends.
    static func prefix(of bytes: Span<UInt8>, from start: Int) throws(AddressError) -> (MailHost, end: Int) {
        guard start < bytes.count else { throw .domain }
        if bytes[start] == 0x5b { return try literal(bytes, from: start) }
        let (domain, end) = try Domain.prefix(of: bytes, from: start)
        return (.domain(domain), end)
    }

    private static func literal(_ bytes: Span<UInt8>, from start: Int) throws(AddressError) -> (MailHost, end: Int) {
        var end = start + 1
        // The longest literal is `IPv6:` and 45 characters.
        while end < bytes.count, bytes[end] != 0x5d, end - start <= 51 {
            guard OctetClass.visible.contains(bytes[end]) else { throw bytes[end].isControl ? .controlCharacter : .addressLiteral }
            end += 1
        }
        guard end < bytes.count, bytes[end] == 0x5d else { throw .addressLiteral }
        let text = String(ascii: bytes, (start + 1)..<end)
        if let colon = text.firstIndex(of: ":") {
            guard text[..<colon].lowercased() == "ipv6" else { throw .addressLiteral }
            let rest = text[text.index(after: colon)...]
            guard rest.utf8.contains(0x3a), isStrictV6(rest), let address = IPAddress(rest) else { throw .addressLiteral }
            return (.literal(address), end + 1)
        }
        guard let address = IPAddress(text) else { throw .addressLiteral }
        return (.literal(address), end + 1)
    }

    /// The grammar of RFC 5321 §4.1.3 lets `::` stand for two groups or more, never for one.
    private static func isStrictV6(_ text: Substring) -> Bool {
        let pieces = text.utf8.split(separator: 0x3a)
        let groups = pieces.count + (pieces.last?.contains(0x2e) == true ? 1 : 0)
        return groups <= 6 || groups == 8
    }
}
