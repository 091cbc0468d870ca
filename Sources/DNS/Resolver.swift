import Ports

/// Where DNS answers come from: the network in production, a zone in tests and simulations.
public protocol Resolver: AnyObject, Sendable {
    /// Asks for the records of `type` at `name`, following CNAMEs.
    ///
    /// `name` is an A-label name, in any case and with or without the final dot. `completion` is
    /// called exactly once, on `loop`, and never before `resolve` has returned. Every way to fail
    /// is a status of the answer; how long an answer may take is the resolver's own limit.
    func resolve(_ name: String, _ type: RecordType, on loop: any Loop,
                 completion: @escaping @Sendable (DNSAnswer) -> Void)
}

/// The record types that Baton asks for.
public enum RecordType: UInt16, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// An IPv4 address (RFC 1035 §3.4.1).
    case a = 1
    /// An alias (RFC 1035 §3.3.1); asked for, it is not followed.
    case cname = 5
    /// A name that an address points back to (RFC 1035 §3.3.12).
    case ptr = 12
    /// A mail exchange (RFC 1035 §3.3.9, RFC 7505).
    case mx = 15
    /// Text (RFC 1035 §3.3.14).
    case txt = 16
    /// An IPv6 address (RFC 3596).
    case aaaa = 28
    /// A certificate association (RFC 6698).
    case tlsa = 52

    /// The type's mnemonic: `A`, `MX`, `TLSA`.
    public var description: String {
        switch self {
        case .a: "A"
        case .cname: "CNAME"
        case .ptr: "PTR"
        case .mx: "MX"
        case .txt: "TXT"
        case .aaaa: "AAAA"
        case .tlsa: "TLSA"
        }
    }
}
