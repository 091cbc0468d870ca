extension OriginalRecipient {
    /// Appends the value as `ORCPT=` carries it; UTF-8 addresses are escaped where the server does not know SMTPUTF8.
    func append(to bytes: inout [UInt8], allowingUTF8: Bool) {
        bytes.append(contentsOf: addressType.utf8)
        bytes.append(UInt8(ascii: ";"))
        if addressType == "utf-8" {
            Unitext.append(address, to: &bytes, allowingUTF8: allowingUTF8)
        } else {
            Xtext.append(address, to: &bytes)
        }
    }
}

/// The encoding of parameter values in ASCII (RFC 3461 §4).
enum Xtext {
    /// Appends `text`: all but printable ASCII, and `+` and `=`, as `+` and two hexadecimal digits.
    static func append(_ text: String, to bytes: inout [UInt8]) {
        for octet in text.utf8 {
            switch octet {
            case UInt8(ascii: "+"), UInt8(ascii: "="), ...0x20, 0x7f...:
                bytes.append(UInt8(ascii: "+"))
                bytes.append(hexDigit(octet >> 4))
                bytes.append(hexDigit(octet & 15))
            default:
                bytes.append(octet)
            }
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
}

/// The encoding of internationalized addresses (RFC 6533 §3).
enum Unitext {
    /// Appends `text`: `\`, `+`, `=` and blanks as `\x{HEX}`, and with them all that is not ASCII unless it is allowed.
    static func append(_ text: String, to bytes: inout [UInt8], allowingUTF8: Bool) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "+", "=", "\u{0}"..."\u{20}", "\u{7f}":
                appendEscaped(scalar, to: &bytes)
            case _ where scalar.isASCII || allowingUTF8:
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            default:
                appendEscaped(scalar, to: &bytes)
            }
        }
    }

    private static func appendEscaped(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        bytes.append(contentsOf: "\\x{\(digits.utf8.count < 2 ? "0" : "")\(digits)}".utf8)
    }
}
