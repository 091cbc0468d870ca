/// The encodings of addresses of type `utf-8`: `\x{HEX}` stands for a character (RFC 6533 §3).
public enum UnicodeAddressText {
    /// Which characters may stand as they are.
    public enum Form: Hashable, Sendable {
        /// utf-8-addr-xtext: ASCII only, for hops and reports without UTF-8.
        case xtext
        /// utf-8-addr-unitext: UTF-8 where SMTPUTF8 is in force.
        case unitext
    }

    /// Appends `address` to `bytes`; `+`, `=`, `\` and blanks are always encoded.
    public static func append(_ address: some StringProtocol, _ form: Form, to bytes: inout [UInt8]) {
        for scalar in address.unicodeScalars {
            if let octet = UInt8(exactly: scalar.value), OctetClass.unitextChar.contains(octet) {
                bytes.append(octet)
            } else if form == .unitext, scalar.value >= 0x80 {
                bytes.append(contentsOf: String(scalar).utf8)
            } else {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                bytes.append(contentsOf: "\\x{\(digits.utf8.count < 2 ? "0" : "")\(digits)}".utf8)
            }
        }
    }

    /// `address` in the given form.
    public static func encode(_ address: some StringProtocol, _ form: Form) -> [UInt8] {
        var bytes: [UInt8] = []
        append(address, form, to: &bytes)
        return bytes
    }

    /// What `bytes` of either form stand for; nil when malformed, or where a control character comes out.
    public static func decode(_ bytes: some Collection<UInt8>) -> String? {
        var octets: [UInt8] = []
        octets.reserveCapacity(bytes.count)
        var iterator = bytes.makeIterator()
        while let octet = iterator.next() {
            if octet == 0x5c {
                guard iterator.next() == 0x78, iterator.next() == 0x7b, let scalar = embedded(&iterator) else { return nil }
                octets.append(contentsOf: String(scalar).utf8)
            } else {
                guard octet >= 0x80 || OctetClass.unitextChar.contains(octet) else { return nil }
                octets.append(octet)
            }
        }
        return String(utf8: octets.span, 0..<octets.count)
    }

    private static func embedded(_ iterator: inout some IteratorProtocol<UInt8>) -> Unicode.Scalar? {
        var value: UInt32 = 0
        var count = 0
        while let octet = iterator.next() {
            if octet == 0x7d { return (2...6).contains(count) ? Unicode.Scalar(value) : nil }
            guard count < 6, let digit = octet.hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
            count += 1
        }
        return nil
    }
}
