/// A mailbox as a header field has it: a display name, if any, and an address (RFC 5322 §3.4).
public struct HeaderMailbox: Hashable, Sendable {
    /// The name shown to people; untrusted text is welcome.
    public var displayName: String?
    /// The address.
    public var address: EmailAddress

    /// A mailbox with a display name, or a bare one.
    public init(displayName: String? = nil, address: EmailAddress) {
        self.displayName = displayName
        self.address = address
    }

    /// The mailbox as structured field text, such as `"Doe, J." <j@x.example>`, for a line that already holds `lineOctets`.
    func wire(_ charset: HeaderCharset, lineOctets: Int) -> [UInt8] {
        let name = VisibleText.from(displayName ?? "")
        guard !name.isEmpty else { return address.wire }
        var bytes = HeaderMailbox.phrase(name, charset, lineOctets: lineOctets)
        bytes += [0x20, 0x3c]
        address.append(to: &bytes)
        bytes.append(0x3e)
        return bytes
    }

    private static func phrase(_ name: String, _ charset: HeaderCharset, lineOctets: Int) -> [UInt8] {
        let isASCII = name.utf8.allSatisfy { $0 < 0x80 }
        // A quoted string has no place to fold but its blanks, and `=?` in it fools lenient readers.
        if (!isASCII && charset == .ascii) || name.contains("=?") || name.utf8.count > 200 {
            return EncodedWord.encode(name, lineOctets: lineOctets)
        }
        if name.utf8.allSatisfy({ OctetClass.atext.contains($0) || $0 == 0x20 }) { return Array(name.utf8) }
        var bytes: [UInt8] = [0x22]
        for octet in name.utf8 {
            if octet == 0x22 || octet == 0x5c { bytes.append(0x5c) }
            bytes.append(octet)
        }
        bytes.append(0x22)
        return bytes
    }
}
