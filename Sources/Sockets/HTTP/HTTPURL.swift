/// An absolute `http` or `https` URL, as far as a client needs it (RFC 9110 §4.2).
public struct HTTPURL: Hashable, Sendable, CustomStringConvertible {
    /// The schemes.
    public enum Scheme: String, Hashable, Sendable {
        /// Without TLS.
        case http
        /// Under TLS, the server's certificate checked.
        case https
    }

    /// The longest URL that is taken.
    public static let maxOctets = 2048

    /// The scheme.
    public let scheme: Scheme
    /// The host: a name in lower case, or an IPv4 address.
    public let host: String
    /// The port; the scheme's own when the URL names none.
    public let port: UInt16
    /// The path with the query; never empty.
    public let target: String

    /// Parses a URL without user information and fragment; nil for anything else.
    public init?(_ text: String) {
        guard text.utf8.count <= HTTPURL.maxOctets, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x23 }),
              let colon = text.firstIndex(of: ":"), let scheme = Scheme(rawValue: text[..<colon].lowercased()) else { return nil }
        var rest = text[text.index(after: colon)...]
        guard rest.hasPrefix("//") else { return nil }
        rest = rest.dropFirst(2)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end]
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, parts.count <= 2, HTTPURL.isHost(host) else { return nil }
        var port: UInt16 = scheme == .https ? 443 : 80
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(parts[1]), number > 0 else { return nil }
            port = number
        }
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port
        let target = rest[end...]
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
    }

    /// The host, with the port where it is not the scheme's own: the `Host` field (RFC 9110 §7.2).
    public var authority: String { port == (scheme == .https ? 443 : 80) ? host : "\(host):\(port)" }

    /// The URL in its normal form.
    public var description: String { "\(scheme.rawValue)://\(authority)\(target)" }

    private static func isHost(_ text: Substring) -> Bool {
        (1...253).contains(text.utf8.count) && text.utf8.allSatisfy { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                 UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
            default: false
            }
        }
    }
}
