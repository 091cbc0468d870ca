import MessageFormat

/// Why a text is not an `Authentication-Results` body.
public enum AuthenticationResultsError: Error, Hashable, Sendable {
    /// The text is over the limit, or has too many results or properties.
    case tooLong
    /// What should have come at an index of the text.
    case expected(String, at: Int)
}

extension AuthenticationResults {
    /// How much of a field is read.
    public static let maxOctets = 16_384
    /// How many results a field may have, and how many properties a result.
    public static let maxParts = 100

    /// Parses the body of a field, folds and comments included (RFC 8601 §2.2).
    ///
    /// Property values may hold `/`, `=` and `+` without quotes, as signatures do in the wild; a pair without
    /// a property type is read and dropped.
    public init(parsing body: ArraySlice<UInt8>) throws(AuthenticationResultsError) {
        guard body.count <= AuthenticationResults.maxOctets else { throw .tooLong }
        var reader = AuthenticationResultsReader(body)
        try self.init(service: reader.value(), version: reader.version())
        while try reader.separator() {
            // RFC 8601 §2.2 `no-result`: none, and nothing more.
            let isFirst = methods.isEmpty
            guard let method = try reader.method(mayBeNone: isFirst) else { break }
            guard methods.count < AuthenticationResults.maxParts else { throw .tooLong }
            methods.append(method)
        }
        try reader.end()
    }

    /// Parses the body of a field.
    public init(parsing body: String) throws(AuthenticationResultsError) { try self.init(parsing: Array(body.utf8)[...]) }

    /// Whether the field with `body` claims to come from `service`, and so must not come in from outside (RFC 8601 §5).
    ///
    /// A field whose service cannot be read claims it too: another reader might find our name in it.
    public static func claims(_ service: String, body: ArraySlice<UInt8>) -> Bool {
        var reader = AuthenticationResultsReader(body.prefix(maxOctets))
        guard let found = try? reader.value() else { return true }
        return canonical(found) == canonical(service)
    }

    private static func canonical(_ service: String) -> String {
        let text = service.hasSuffix(".") ? String(service.dropLast()) : service
        return (try? Domain(parsing: text).ascii) ?? text.lowercased()
    }
}

/// Walks over the body of a field.
private struct AuthenticationResultsReader {
    private var rest: ArraySlice<UInt8>
    private let start: Int

    init(_ body: ArraySlice<UInt8>) {
        rest = body
        start = body.startIndex
    }

    private func expected(_ what: String) -> AuthenticationResultsError { .expected(what, at: rest.startIndex - start) }

    /// Skips blanks, line ends and comments; whether there was anything (RFC 5322 §3.2.2).
    @discardableResult
    private mutating func skipCFWS() throws(AuthenticationResultsError) -> Bool {
        let before = rest.startIndex
        var depth = 0
        while let octet = rest.first {
            if octet == UInt8(ascii: "(") {
                depth += 1
            } else if depth == 0 {
                guard [0x20, 0x09, 0x0d, 0x0a].contains(octet) else { break }
            } else if octet == UInt8(ascii: ")") {
                depth -= 1
            } else if octet == UInt8(ascii: "\\") {
                rest = rest.dropFirst()
            }
            rest = rest.dropFirst()
        }
        guard depth == 0 else { throw expected("the end of a comment") }
        return rest.startIndex > before
    }

    private mutating func take(_ octet: UInt8) -> Bool {
        guard rest.first == octet else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func word(_ isAllowed: (UInt8) -> Bool) -> String {
        let word = rest.prefix(while: isAllowed)
        rest = rest.dropFirst(word.count)
        return String(decoding: word, as: UTF8.self)
    }

    /// A keyword of a method, a result or a property (RFC 5321 §4.1.2), in lower case.
    private mutating func keyword() throws(AuthenticationResultsError) -> String {
        try skipCFWS()
        let word = word { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        guard !word.isEmpty else { throw expected("a keyword") }
        return word.lowercased()
    }

    /// A token, non-ASCII of RFC 6532 included, or a quoted-string.
    mutating func value() throws(AuthenticationResultsError) -> String {
        try skipCFWS()
        if rest.first == UInt8(ascii: "\"") { return try quotedString() }
        let word = word { $0.isTokenOctet || $0 >= 0x80 }
        guard !word.isEmpty else { throw expected("a token or a quoted string") }
        return word
    }

    private mutating func quotedString() throws(AuthenticationResultsError) -> String {
        var octets: [UInt8] = []
        rest = rest.dropFirst()
        while let octet = rest.popFirst() {
            if octet == UInt8(ascii: "\"") { return String(decoding: octets, as: UTF8.self) }
            if octet == 0x0d || octet == 0x0a { continue }
            if octet == UInt8(ascii: "\\") {
                guard let next = rest.popFirst() else { break }
                octets.append(next)
            } else {
                octets.append(octet)
            }
        }
        throw expected("the end of a quoted string")
    }

    /// A number after blanks, as the versions are; nil where none comes.
    mutating func version() throws(AuthenticationResultsError) -> Int? {
        try skipCFWS()
        let digits = rest.prefix(while: \.isASCIIDigit)
        guard !digits.isEmpty else { return nil }
        guard digits.count <= 4 else { throw expected("a version number") }
        rest = rest.dropFirst(digits.count)
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// The semicolon before a result; false at the end of the text.
    mutating func separator() throws(AuthenticationResultsError) -> Bool {
        try skipCFWS()
        guard !rest.isEmpty else { return false }
        guard take(UInt8(ascii: ";")) else { throw expected("a semicolon") }
        try skipCFWS()
        // A final semicolon is wrong and common.
        return !rest.isEmpty
    }

    mutating func end() throws(AuthenticationResultsError) {
        try skipCFWS()
        guard rest.isEmpty else { throw expected("the end") }
    }

    /// A method, its result, reason and properties; nil for `none`.
    mutating func method(mayBeNone: Bool) throws(AuthenticationResultsError) -> AuthenticationResults.Method? {
        let name = try keyword()
        var version: Int?
        try skipCFWS()
        if mayBeNone, name == "none", rest.isEmpty { return nil }
        if take(UInt8(ascii: "/")) { version = try self.version() }
        try skipCFWS()
        guard take(UInt8(ascii: "=")) else { throw expected("=") }
        var method = AuthenticationResults.Method(name, try keyword(), version: version)
        while try skipCFWS(), let first = rest.first, first != UInt8(ascii: ";") {
            try addPair(to: &method)
        }
        return method
    }

    private mutating func addPair(to method: inout AuthenticationResults.Method) throws(AuthenticationResultsError) {
        let type = try keyword()
        try skipCFWS()
        if take(UInt8(ascii: ".")) {
            let name = try keyword()
            try skipCFWS()
            guard take(UInt8(ascii: "=")) else { throw expected("=") }
            guard method.properties.count < AuthenticationResults.maxParts else { throw .tooLong }
            method.properties.append(AuthenticationResults.Property(type, name, try propertyValue()))
        } else {
            guard take(UInt8(ascii: "=")) else { throw expected("=") }
            let value = try propertyValue()
            if type == "reason" { method.reason = value }
        }
    }

    /// A value, a domain, or an address with or without its local part.
    private mutating func propertyValue() throws(AuthenticationResultsError) -> String {
        try skipCFWS()
        var text = rest.first == UInt8(ascii: "\"") ? try quotedString() : ""
        text += word { $0.isTokenOctet || $0 >= 0x80 || "@/=".utf8.contains($0) }
        return text
    }
}
