import Ports

/// A domain's list of the hosts that may send its mail: `v=spf1 ip4:192.0.2.0/24 -all` (RFC 7208 §3, §4.5).
public struct SPFRecord: Hashable, Sendable {
    /// What a match of a mechanism means (RFC 7208 §4.6.2).
    public enum Qualifier: UInt8, Hashable, Sendable {
        /// `+`, also where no qualifier is written.
        case pass = 0x2b
        /// `-`.
        case fail = 0x2d
        /// `~`.
        case softfail = 0x7e
        /// `?`.
        case neutral = 0x3f

        /// The result of a match.
        public var result: AuthenticationResult {
            switch self {
            case .pass: .pass
            case .fail: .fail
            case .softfail: .softfail
            case .neutral: .neutral
            }
        }
    }

    /// How many leading bits of an address must match, for each family (RFC 7208 §5.6).
    public struct PrefixLengths: Hashable, Sendable {
        /// Bits of an IPv4 address.
        public var v4 = 32
        /// Bits of an IPv6 address.
        public var v6 = 128
    }

    /// What is compared with the client's address (RFC 7208 §5).
    public enum Mechanism: Hashable, Sendable {
        /// Matches always (RFC 7208 §5.1).
        case all
        /// Matches where the record of another domain says pass (RFC 7208 §5.2).
        case include(SPFMacroString)
        /// Matches the addresses of a name (RFC 7208 §5.3).
        case a(SPFMacroString?, PrefixLengths)
        /// Matches the addresses of a domain's mail exchanges (RFC 7208 §5.4).
        case mx(SPFMacroString?, PrefixLengths)
        /// Matches where the name of the client's address lies within a domain (RFC 7208 §5.5).
        case ptr(SPFMacroString?)
        /// Matches a network (RFC 7208 §5.6).
        case network(IPNetwork)
        /// Matches where a name has an IPv4 address (RFC 7208 §5.7).
        case exists(SPFMacroString)

        /// Whether the mechanism asks DNS, and so counts against the limit (RFC 7208 §4.6.4).
        var asksDNS: Bool {
            switch self {
            case .all, .network: false
            case .include, .a, .mx, .ptr, .exists: true
            }
        }
    }

    /// A mechanism with its qualifier.
    public struct Directive: Hashable, Sendable {
        /// What a match means.
        public let qualifier: Qualifier
        /// What is compared.
        public let mechanism: Mechanism
        /// The term as it is written.
        public let text: String
    }

    /// The directives in the order of the record.
    public let directives: [Directive]
    /// The domain whose record counts where no directive matches (RFC 7208 §6.1).
    public let redirect: SPFMacroString?
    /// The name that holds the explanation of a fail (RFC 7208 §6.2).
    public let explanation: SPFMacroString?

    /// Whether TXT `octets` are an SPF record, well formed or not: `v=spf1` alone or before a space (RFC 7208 §4.5).
    public static func isRecord(_ octets: [UInt8]) -> Bool {
        let version = Array("v=spf1".utf8)
        guard octets.count >= version.count, zip(octets, version).allSatisfy({ $0.asciiLowercased == $1 }) else { return false }
        return octets.count == version.count || octets[version.count] == 0x20
    }

    init(directives: [Directive], redirect: SPFMacroString?, explanation: SPFMacroString?) {
        self.directives = directives
        self.redirect = redirect
        self.explanation = explanation
    }
}

extension UInt8 {
    /// The lower-case form of an ASCII letter; any other octet as it is.
    var asciiLowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    /// Whether this is an ASCII letter.
    var isASCIILetter: Bool { asciiLowercased &- 0x61 < 26 }

    /// Whether this is an ASCII digit.
    var isASCIIDigit: Bool { self &- 0x30 < 10 }
}
