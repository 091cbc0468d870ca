import Ports

/// Names in DNS text form.
public enum DNSName {
    /// The longest name in text form without the final dot (RFC 1035 §2.3.4: 255 octets on the wire).
    public static let maxOctets = 253
    /// The longest label (RFC 1035 §2.3.4).
    public static let maxLabelOctets = 63

    /// `name` in lower case without its final dot; nil when it cannot be asked for.
    ///
    /// Labels are 1 to 63 octets, the whole at most 253. Octets other than printable ASCII, and dots and
    /// backslashes inside a label, are written `\DDD` (RFC 1035 §5.1), nothing else is.
    public static func canonical(_ name: String) -> String? {
        var octets = Array(name.utf8)
        if octets.last == UInt8(ascii: ".") { octets.removeLast() }
        var labelOctets = 0
        var total = 0
        var index = 0
        while index < octets.count {
            switch octets[index] {
            case UInt8(ascii: "."):
                guard labelOctets > 0 else { return nil }
                labelOctets = -1
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                octets[index] |= 0x20
            case UInt8(ascii: "\\"):
                guard let octet = escaped(octets[index...]), !isPlain(octet) else { return nil }
                index += 3
            case 0x21...0x7e:
                break
            default:
                return nil
            }
            index += 1
            labelOctets += 1
            total += 1
            guard labelOctets <= maxLabelOctets, total <= maxOctets else { return nil }
        }
        return labelOctets > 0 ? String(decoding: octets, as: UTF8.self) : nil
    }

    /// The text form of a name whose labels are `octets` between dots: what cannot stand in the text is written `\DDD`.
    public static func text(of octets: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for octet in octets {
            if octet == UInt8(ascii: ".") { text.append(octet) } else { append(octet, to: &text) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether `octet` stands in a name's text as it is.
    private static func isPlain(_ octet: UInt8) -> Bool {
        (0x21...0x7e).contains(octet) && octet != UInt8(ascii: ".") && octet != UInt8(ascii: "\\")
    }

    private static func escaped(_ text: ArraySlice<UInt8>) -> UInt8? {
        let digits = text.dropFirst().prefix(3)
        guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt8(exactly: digits.reduce(0) { $0 * 10 + Int($1 - 0x30) })
    }

    /// Whether `name` can be a host: labels of letters, digits and inner hyphens (RFC 1123 §2.1).
    ///
    /// Underscores are let through, since such mail exchanges exist and work. An all-numeric last
    /// label is refused: an MX that names an address is a mistake (RFC 5321 §5.1), not a host.
    public static func isHostName(_ name: String) -> Bool {
        guard let name = canonical(name) else { return false }
        let labels = name.utf8.split(separator: UInt8(ascii: "."))
        for label in labels {
            guard label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-"),
                  label.allSatisfy(isHostOctet) else { return false }
        }
        return labels.last?.contains { !(0x30...0x39).contains($0) } ?? false
    }

    /// The name that holds the PTR record of `address` (RFC 1035 §3.5, RFC 3596 §2.5).
    public static func reverse(of address: IPAddress) -> String {
        switch address.unmapped {
        case .v4(let bits):
            return "\(bits & 255).\(bits >> 8 & 255).\(bits >> 16 & 255).\(bits >> 24).in-addr.arpa"
        case .v6(let high, let low):
            let nibbles = [low, high].flatMap { half in
                (0..<16).map { String(half >> (4 * UInt64($0)) & 15, radix: 16) }
            }
            return nibbles.joined(separator: ".") + ".ip6.arpa"
        }
    }

    private static func isHostOctet(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
             UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
