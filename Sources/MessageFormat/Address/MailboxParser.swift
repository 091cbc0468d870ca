/// Parses `local-part "@" host` in one pass over bytes (RFC 5321 §4.1.2, RFC 6531 §3.3).
struct MailboxParser {
    let limits: AddressLimits

    init(_ limits: AddressLimits) { self.limits = limits }

    /// Parses the mailbox at `start` of `bytes` and tells where it ends; nothing after it is judged.
    func mailbox(in bytes: Span<UInt8>, from start: Int) throws(AddressError) -> (EmailAddress, end: Int) {
        guard start < bytes.count else { throw .empty }
        if bytes[start] == 0x22 { return try quoted(bytes, from: start) }
        var index = start
        var previous: UInt8 = 0x2e
        var isASCII = true
        scan: while index < bytes.count {
            let octet = bytes[index]
            if OctetClass.atext.contains(octet) {
            } else if octet == 0x40 {
                break scan
            } else if octet == 0x2e {
                if previous == 0x2e { throw .localPart }
            } else if octet >= 0x80 {
                isASCII = false
            } else {
                throw octet.isControl ? .controlCharacter : .localPart
            }
            previous = octet
            index += 1
        }
        guard index < bytes.count, previous != 0x2e else { throw .localPart }
        guard index - start <= limits.localPart else { throw .localPartTooLong }
        let (host, end) = try MailHost.prefix(of: bytes, from: index + 1)
        if isASCII {
            return (EmailAddress(checked: String(ascii: bytes, start..<index), host: host, isASCII: true, isDotString: true), end)
        }
        guard let local = String(utf8: bytes, start..<index) else { throw .invalidUTF8 }
        return (EmailAddress(checked: local, host: host, isASCII: false, isDotString: true), end)
    }

    private func quoted(_ bytes: Span<UInt8>, from start: Int) throws(AddressError) -> (EmailAddress, end: Int) {
        var local: [UInt8] = []
        var index = start + 1
        var isASCII = true
        while true {
            guard index < bytes.count else { throw .unclosedQuote }
            var octet = bytes[index]
            if octet == 0x22 { break }
            if octet == 0x5c {
                // quoted-pairSMTP: a backslash goes before printable ASCII only.
                index += 1
                guard index < bytes.count else { throw .unclosedQuote }
                octet = bytes[index]
                guard octet < 0x80 else { throw .localPart }
            }
            guard !octet.isControl else { throw .controlCharacter }
            guard index - start < limits.localPart else { throw .localPartTooLong }
            if octet >= 0x80 { isASCII = false }
            local.append(octet)
            index += 1
        }
        let afterQuote = index + 1
        guard afterQuote - start <= limits.localPart else { throw .localPartTooLong }
        guard afterQuote < bytes.count, bytes[afterQuote] == 0x40 else { throw .localPart }
        let (host, end) = try MailHost.prefix(of: bytes, from: afterQuote + 1)
        guard let text = String(utf8: local.span, 0..<local.count) else { throw .invalidUTF8 }
        let isDotString = !LocalPartQuoting(text).isNeeded
        return (EmailAddress(checked: text, host: host, isASCII: isASCII, isDotString: isDotString), end)
    }
}
