import DNS
import Ports

/// What the macros of one check stand for (RFC 7208 §7.2).
struct SPFMacroValues {
    /// The local part of the sender; `postmaster` where there is none.
    var localPart: [UInt8]
    /// The domain of the sender.
    var senderDomain: [UInt8]
    /// The domain whose record is evaluated.
    var domain: [UInt8]
    /// The client.
    var client: IPAddress
    /// The argument of HELO or EHLO.
    var helo: [UInt8]
    /// The validated name of the client, or `unknown`.
    var pointerName: [UInt8]
    /// Who does the check.
    var receiver: [UInt8]
    /// When, in seconds since 1970.
    var seconds: Int64

    func value(of letter: UInt8) -> [UInt8] {
        switch letter {
        case UInt8(ascii: "s"): localPart + [0x40] + senderDomain
        case UInt8(ascii: "l"): localPart
        case UInt8(ascii: "o"): senderDomain
        case UInt8(ascii: "d"): domain
        case UInt8(ascii: "i"): SPFMacroValues.dotted(client)
        case UInt8(ascii: "p"): pointerName
        case UInt8(ascii: "v"): if case .v4 = client { Array("in-addr".utf8) } else { Array("ip6".utf8) }
        case UInt8(ascii: "h"): helo
        case UInt8(ascii: "c"): Array(client.description.utf8)
        case UInt8(ascii: "r"): receiver
        case UInt8(ascii: "t"): Array(String(seconds).utf8)
        default: []
        }
    }

    /// An IPv4 address as it is, an IPv6 address as 32 nibbles between dots (RFC 7208 §7.3).
    private static func dotted(_ address: IPAddress) -> [UInt8] {
        guard case .v6(let high, let low) = address else { return Array(address.description.utf8) }
        let digits = Array("0123456789ABCDEF".utf8)
        var octets: [UInt8] = []
        for half in [high, low] {
            for shift in stride(from: UInt64(60), through: 0, by: -4) {
                if !octets.isEmpty { octets.append(UInt8(ascii: ".")) }
                octets.append(digits[Int(half >> shift & 15)])
            }
        }
        return octets
    }
}

extension SPFMacroString {
    /// The text with its macros replaced; nil where it grows over `limit` octets.
    func expanded(_ values: SPFMacroValues, limit: Int) -> [UInt8]? {
        var octets: [UInt8] = []
        for part in parts {
            switch part {
            case .literal(let literal): octets.append(contentsOf: literal)
            case .macro(let macro): octets.append(contentsOf: macro.cut(values.value(of: macro.letter)))
            }
            guard octets.count <= limit else { return nil }
        }
        return octets
    }

    /// The octets of `name` without a final dot, cut from the left at label boundaries to what DNS can hold (RFC 7208 §7.3).
    static func fitting(_ name: [UInt8]) -> [UInt8] {
        var rest = name[...]
        if rest.last == UInt8(ascii: ".") { rest = rest.dropLast() }
        while rest.count > DNSName.maxOctets, let dot = rest.firstIndex(of: UInt8(ascii: ".")) { rest = rest[(dot + 1)...] }
        return Array(rest)
    }
}

extension SPFMacroString.Macro {
    /// `value` split, reversed, shortened and escaped as the macro says.
    fileprivate func cut(_ value: [UInt8]) -> [UInt8] {
        var labels = value.split(omittingEmptySubsequences: false) { delimiters.contains($0) }
        if isReversed { labels.reverse() }
        if let count { labels = labels.suffix(count) }
        let joined = Array(labels.joined(separator: [UInt8(ascii: ".")]))
        return isEscaped ? SPFMacroString.Macro.escaped(joined) : joined
    }

    /// Octets outside of the unreserved set of RFC 3986 §2.3 as `%XX`.
    private static func escaped(_ octets: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var escaped: [UInt8] = []
        for octet in octets {
            if octet.isASCIILetter || octet.isASCIIDigit || "-._~".utf8.contains(octet) {
                escaped.append(octet)
            } else {
                escaped.append(contentsOf: [UInt8(ascii: "%"), digits[Int(octet >> 4)], digits[Int(octet & 15)]])
            }
        }
        return escaped
    }
}
