import MessageFormat

extension OriginalRecipient {
    /// Parses `type;address` as `ORCPT=` carries it; nil when it is malformed or hides control characters.
    public init?(wire text: some Collection<UInt8>) {
        guard let semicolon = text.firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let type = text[..<semicolon]
        let encoded = text[text.index(after: semicolon)...]
        guard !type.isEmpty, !encoded.isEmpty, type.allSatisfy({ octet in
            switch octet {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
            default: false
            }
        }) else { return nil }
        let name = String(decoding: type, as: UTF8.self).lowercased()
        // Addresses of type utf-8 have an encoding of their own (RFC 6533 §3).
        let decoded = name == "utf-8" ? UnicodeAddressText.decode(encoded) : XText.decode(encoded)
        guard let decoded, !decoded.isEmpty else { return nil }
        self.init(addressType: name, address: decoded)
    }
}
