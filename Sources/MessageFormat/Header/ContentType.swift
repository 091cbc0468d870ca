/// The value of a Content-Type field (RFC 2045 §5.1).
public struct ContentType: Hashable, Sendable {
    /// `type/subtype` in lower case.
    public let mediaType: String
    /// Parameters by lower-case name; of a name given twice, the first.
    public let parameters: [String: String]

    /// Parses the unfolded body of the field; nil when it has no `type/subtype`. Comments are skipped.
    public init?(parsing text: String) {
        var scanner = TokenScanner(Array(text.utf8.prefix(8192)))
        guard let type = scanner.token(), scanner.take(0x2f), let subtype = scanner.token() else { return nil }
        mediaType = type.lowercased() + "/" + subtype.lowercased()
        var parameters: [String: String] = [:]
        // Junk between two semicolons does not hide what comes after it.
        while scanner.skip(past: 0x3b) {
            guard let name = scanner.token(), scanner.take(0x3d), let value = scanner.quotedOrToken() else { continue }
            let key = name.lowercased()
            if parameters[key] == nil { parameters[key] = value }
        }
        self.parameters = parameters
    }
}

/// Reads the tokens of a structured field body, skipping blanks and comments (RFC 5322 §3.2.2).
struct TokenScanner {
    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next octet after blanks and comments, not taken.
    mutating func peek() -> UInt8? {
        skipBlanks()
        return index < bytes.count ? bytes[index] : nil
    }

    /// Takes `octet` if it comes next.
    mutating func take(_ octet: UInt8) -> Bool {
        guard peek() == octet else { return false }
        index += 1
        return true
    }

    /// Takes a token (RFC 2045 §5.1).
    mutating func token() -> String? {
        skipBlanks()
        return word { OctetClass.token.contains($0) }
    }

    /// Takes what is left, unparsed.
    mutating func rest() -> String {
        skipBlanks()
        defer { index = bytes.count }
        return VisibleText.from(Array(bytes[index...]))
    }

    /// Takes a quoted string, unquoted, or a token; `=` and `/` are let through, as careless senders write them.
    mutating func quotedOrToken() -> String? {
        guard peek() == 0x22 else { return word { OctetClass.visible.contains($0) && $0 != 0x3b && $0 != 0x22 && $0 != 0x28 } }
        var value: [UInt8] = []
        index += 1
        while index < bytes.count, bytes[index] != 0x22 {
            if bytes[index] == 0x5c, index + 1 < bytes.count { index += 1 }
            value.append(bytes[index])
            index += 1
        }
        guard index < bytes.count else { return nil }
        index += 1
        return String(validating: value, as: UTF8.self)
    }

    /// Goes behind the next `octet` outside of quotes and comments; false when there is none.
    mutating func skip(past octet: UInt8) -> Bool {
        while let next = peek() {
            if next == octet {
                index += 1
                return true
            }
            if next == 0x22 { if quotedOrToken() == nil { return false } } else { index += 1 }
        }
        return false
    }

    /// Takes the longest non-empty run of octets that `isMember` admits.
    mutating func word(where isMember: (UInt8) -> Bool) -> String? {
        let start = index
        while index < bytes.count, isMember(bytes[index]) { index += 1 }
        return index > start ? String(decoding: bytes[start..<index], as: UTF8.self) : nil
    }

    /// Skips blanks, line ends and comments; nesting is counted, not recursed.
    mutating func skipBlanks() {
        var depth = 0
        while index < bytes.count {
            let octet = bytes[index]
            if depth > 0 {
                if octet == 0x5c { index += 1 } else if octet == 0x28 { depth += 1 } else if octet == 0x29 { depth -= 1 }
            } else if octet == 0x28 {
                depth = 1
            } else if !octet.isWhitespace, octet != 0x0d, octet != 0x0a {
                return
            }
            index += 1
        }
        index = bytes.count
    }
}
