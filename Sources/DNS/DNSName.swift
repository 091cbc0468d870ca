import Ports

/// Names in DNS text form.
public enum DNSName {
    /// The longest name in text form without the final dot (RFC 1035 §2.3.4: 255 octets on the wire).
    public static let maxOctets = 253
    /// The longest label (RFC 1035 §2.3.4).
    public static let maxLabelOctets = 63

    /// `name` in lower case without its final dot; nil when it cannot be asked for.
    ///
    /// Labels are 1 to 63 printable ASCII octets other than a backslash, the whole at most 253.
    public static func canonical(_ name: String) -> String? {
        var octets = Array(name.utf8)
        if octets.last == UInt8(ascii: ".") { octets.removeLast() }
        guard !octets.isEmpty, octets.count <= maxOctets else { return nil }
        var labelOctets = 0
        for index in octets.indices {
            switch octets[index] {
            case UInt8(ascii: "."):
                guard labelOctets > 0 else { return nil }
                labelOctets = 0
                continue
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                octets[index] |= 0x20
            case UInt8(ascii: "\\"):
                return nil
            case 0x21...0x7e:
                break
            default:
                return nil
            }
            labelOctets += 1
            guard labelOctets <= maxLabelOctets else { return nil }
        }
        return labelOctets > 0 ? String(decoding: octets, as: UTF8.self) : nil
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
