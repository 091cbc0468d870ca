/// How a local part has to be written on the wire: as a dot-string, or else quoted (RFC 5321 §4.1.2).
struct LocalPartQuoting {
    /// Whether the local part is not a dot-string.
    let isNeeded: Bool
    /// Octets on the wire.
    let wireCount: Int

    init(_ localPart: String) {
        var previous: UInt8 = 0x2e
        var isDotString = true
        var escapes = 0
        var count = 0
        for octet in localPart.utf8 {
            count += 1
            if octet == 0x2e {
                if previous == 0x2e { isDotString = false }
            } else if !OctetClass.atext.contains(octet), octet < 0x80 {
                isDotString = false
                if octet == 0x22 || octet == 0x5c { escapes += 1 }
            }
            previous = octet
        }
        isNeeded = !isDotString || previous == 0x2e
        wireCount = isNeeded ? count + escapes + 2 : count
    }

    /// Appends a local part in quotes.
    static func appendQuoted(_ localPart: String, to bytes: inout [UInt8]) {
        bytes.append(0x22)
        for octet in localPart.utf8 {
            if octet == 0x22 || octet == 0x5c { bytes.append(0x5c) }
            bytes.append(octet)
        }
        bytes.append(0x22)
    }
}
