/// The xtext encoding of DSN parameters: `+` and two hexadecimal digits stand for an octet (RFC 3461 §4).
public enum XText {
    /// Appends `text` to `bytes`: printable ASCII but `+` and `=` as it is, anything else as `+XX`.
    public static func append(_ text: some StringProtocol, to bytes: inout [UInt8]) {
        for octet in text.utf8 {
            if OctetClass.xchar.contains(octet) {
                bytes.append(octet)
            } else {
                bytes.append(0x2b)
                bytes.append(hex: octet)
            }
        }
    }

    /// `text` in xtext.
    public static func encode(_ text: some StringProtocol) -> [UInt8] {
        var bytes: [UInt8] = []
        append(text, to: &bytes)
        return bytes
    }

    /// What `bytes` stand for; nil when they are not xtext, or stand for a control character or bad UTF-8.
    ///
    /// A decoded line end would get into headers and logs, so none is let through.
    public static func decode(_ bytes: some Collection<UInt8>) -> String? {
        var octets: [UInt8] = []
        octets.reserveCapacity(bytes.count)
        var iterator = bytes.makeIterator()
        while let octet = iterator.next() {
            if octet == 0x2b {
                // "hexchar" has upper-case digits; lower-case ones are seen in the wild and mean the same.
                guard let high = iterator.next()?.hexDigitValue, let low = iterator.next()?.hexDigitValue else { return nil }
                octets.append(high << 4 | low)
            } else {
                guard OctetClass.xchar.contains(octet) else { return nil }
                octets.append(octet)
            }
        }
        return String(utf8: octets.span, 0..<octets.count)
    }
}

extension UInt8 {
    /// The value of an ASCII hexadecimal digit; nil for any other octet.
    var hexDigitValue: UInt8? {
        if isDigit { return self &- 0x30 }
        let letter = asciiLowercased
        return letter &- 0x61 < 6 ? letter &- 0x57 : nil
    }
}
