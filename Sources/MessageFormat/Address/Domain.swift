import CIDN2

/// A domain name in its one canonical form: A-labels in lower case, without a final dot (RFC 5890, RFC 5321 §2.3.5).
public struct Domain: Hashable, Sendable, CustomStringConvertible {
    /// The name in lower-case A-labels, such as `xn--bcher-kva.example`.
    public let ascii: String

    private init(ascii: String) { self.ascii = ascii }

    /// The same as `ascii`.
    public var description: String { ascii }

    /// Parses the whole of `bytes`: letters, digits, hyphens and dots, or U-labels in UTF-8 (UTS 46, STD 3).
    public init(parsing bytes: Span<UInt8>) throws(AddressError) {
        let (domain, end) = try Domain.prefix(of: bytes, from: 0)
        guard end == bytes.count else {
            throw bytes[end].isControl ? .controlCharacter : .domain
        }
        self = domain
    }

    /// Parses the whole of `bytes`.
    public init(parsing bytes: [UInt8]) throws(AddressError) { try self.init(parsing: bytes.span) }

    /// Parses the whole of `bytes`.
    public init(parsing bytes: ArraySlice<UInt8>) throws(AddressError) { try self.init(parsing: bytes.span) }

    /// Parses the whole of `text`.
    public init(parsing text: some StringProtocol) throws(AddressError) { try self.init(parsing: Array(text.utf8)) }

    /// The name in U-labels; equal to `ascii` where there are none or where they would not lead back to this name.
    public var unicode: String {
        guard ascii.utf8.count >= 4, ascii.contains("xn--"), let text = InternationalDomain.unicode(ascii),
              !text.holdsControls, let back = try? Domain(parsing: text), back == self else { return ascii }
        return text
    }

    /// Whether this is `other` or lies below it.
    public func isWithin(_ other: Domain) -> Bool {
        if self == other { return true }
        let own = ascii.utf8, parent = other.ascii.utf8
        return own.count > parent.count && own.dropLast(parent.count).last == 0x2e
            && own.suffix(parent.count).elementsEqual(parent)
    }

    /// The labels from left to right.
    public var labels: [Substring] { ascii.split(separator: ".") }

    /// Parses the longest domain at `start` of `bytes` and tells where it ends; nothing after it is judged.
    static func prefix(of bytes: Span<UInt8>, from start: Int) throws(AddressError) -> (Domain, end: Int) {
        var index = start
        var label = start
        var previous: UInt8 = 0x2e
        var isLowercase = true
        while index < bytes.count {
            let octet = bytes[index]
            if OctetClass.letterDigit.contains(octet) {
                if octet &- 0x41 < 26 { isLowercase = false }
            } else if octet == 0x2d {
                if previous == 0x2e { throw .domain }
            } else if octet == 0x2e {
                if previous == 0x2e || previous == 0x2d { throw .domain }
                if index - label > 63 { throw .domainTooLong }
                label = index + 1
            } else if octet >= 0x80 {
                return try international(bytes, from: start)
            } else {
                break
            }
            previous = octet
            index += 1
        }
        if previous == 0x2e || previous == 0x2d { throw .domain }
        if index - label > 63 || index - start > maxOctets { throw .domainTooLong }
        return (Domain(ascii: isLowercase ? String(ascii: bytes, start..<index) : lowercased(bytes, start..<index)), index)
    }

    /// A DNS name of 255 octets on the wire has 253 as text (RFC 1035 §2.3.4).
    static let maxOctets = 253

    private static func lowercased(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        String(unsafeUninitializedCapacity: range.count) { buffer in
            var index = 0
            while index < range.count {
                buffer[index] = bytes[range.lowerBound + index].asciiLowercased
                index += 1
            }
            return range.count
        }
    }

    private static func international(_ bytes: Span<UInt8>, from start: Int) throws(AddressError) -> (Domain, end: Int) {
        var end = start
        while end < bytes.count, bytes[end] >= 0x80 || bytes[end] == 0x2d || bytes[end] == 0x2e
                || OctetClass.letterDigit.contains(bytes[end]) { end += 1 }
        // Longer input cannot become a valid name, and the conversion is not linear.
        guard end - start <= 4 * maxOctets else { throw .domainTooLong }
        guard let text = String(utf8: bytes, start..<end) else { throw .invalidUTF8 }
        guard let ascii = InternationalDomain.ascii(text) else { throw .internationalDomain }
        // The result goes through the plain parser, so that nothing a mapping produced is trusted.
        let plain = Array(ascii.utf8)
        guard !plain.contains(where: { $0 >= 0x80 }) else { throw .internationalDomain }
        return (try Domain(parsing: plain), end)
    }
}

/// IDNA2008 with the mappings of UTS 46, non-transitional, by libidn2.
private enum InternationalDomain {
    /// The A-label form of `name`; nil where IDNA does not allow it.
    static func ascii(_ name: String) -> String? {
        // The caller enforces STD 3 on the result: libidn2's own flag drops the offending characters silently.
        let flags = IDN2_NFC_INPUT.rawValue | IDN2_NONTRANSITIONAL.rawValue
        var output: UnsafeMutablePointer<UInt8>?
        let status = name.withCString { source in
            source.withMemoryRebound(to: UInt8.self, capacity: name.utf8.count + 1) {
                idn2_lookup_u8($0, &output, Int32(truncatingIfNeeded: flags))
            }
        }
        return take(status, output)
    }

    /// The U-label form of `name`; nil where there is none.
    static func unicode(_ name: String) -> String? {
        var output: UnsafeMutablePointer<CChar>?
        let status = name.withCString { idn2_to_unicode_8z8z($0, &output, 0) }
        return output.map { pointer in
            pointer.withMemoryRebound(to: UInt8.self, capacity: 1) { take(status, $0) }
        } ?? nil
    }

    private static func take(_ status: Int32, _ output: UnsafeMutablePointer<UInt8>?) -> String? {
        guard let output else { return nil }
        defer { idn2_free(output) }
        return status == IDN2_OK.rawValue ? String(validatingCString: UnsafeRawPointer(output).assumingMemoryBound(to: CChar.self)) : nil
    }
}
