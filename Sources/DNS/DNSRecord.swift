import Ports

/// The data of one record, checked against its type.
///
/// Names are lower case without the final dot; the root, as in the null MX of RFC 7505, is `""`.
/// A name may hold anything that DNS allows: ask `DNSName.isHostName` before using it as a host.
public enum DNSRecord: Hashable, Sendable {
    /// An IPv4 address (RFC 1035 §3.4.1).
    case a(IPAddress)
    /// An IPv6 address (RFC 3596).
    case aaaa(IPAddress)
    /// A mail exchange (RFC 1035 §3.3.9).
    case mx(preference: UInt16, exchange: String)
    /// The character-strings of a TXT record, joined (RFC 1035 §3.3.14, RFC 7208 §3.3).
    case txt([UInt8])
    /// The name of an address (RFC 1035 §3.3.12).
    case ptr(String)
    /// The name that this name is an alias of (RFC 1035 §3.3.1).
    case cname(String)
    /// A certificate association (RFC 6698 §2.1).
    case tlsa(usage: UInt8, selector: UInt8, matching: UInt8, data: [UInt8])

    /// The type that this record answers.
    public var type: RecordType {
        switch self {
        case .a: .a
        case .aaaa: .aaaa
        case .mx: .mx
        case .txt: .txt
        case .ptr: .ptr
        case .cname: .cname
        case .tlsa: .tlsa
        }
    }

    /// The address of an A or AAAA record.
    public var address: IPAddress? {
        switch self {
        case .a(let address), .aaaa(let address): address
        case .mx, .txt, .ptr, .cname, .tlsa: nil
        }
    }
}
