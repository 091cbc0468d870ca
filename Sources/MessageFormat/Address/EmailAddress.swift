import Ports

/// A mailbox (RFC 5321 §4.1.2, RFC 6531 §3.3): a local part and a host.
///
/// The local part keeps its case and its bytes, without the quoting of the wire, so that
/// `"a.b"@x.example` and `a.b@x.example` are one address; two local parts are equal when their
/// bytes are. The host is canonical.
public struct EmailAddress: Sendable {
    /// The local part without quotes and backslashes.
    public let localPart: String
    /// The domain or address literal.
    public let host: MailHost
    /// Whether the local part is all ASCII; if not, the next hop needs SMTPUTF8 (RFC 6531).
    public let isASCII: Bool
    /// Whether the local part goes out as it is, without quotes.
    private let isDotString: Bool

    /// An address that the parser has checked.
    init(checked localPart: String, host: MailHost, isASCII: Bool, isDotString: Bool) {
        self.localPart = localPart
        self.host = host
        self.isASCII = isASCII
        self.isDotString = isDotString
    }

    /// Makes an address from an unquoted local part and a host.
    public init(localPart: String, host: MailHost, limits: AddressLimits = .standard) throws(AddressError) {
        guard !localPart.holdsControls else { throw .controlCharacter }
        let quoting = LocalPartQuoting(localPart)
        self.init(checked: localPart, host: host, isASCII: localPart.utf8.allSatisfy { $0 < 0x80 }, isDotString: !quoting.isNeeded)
        guard quoting.wireCount <= limits.localPart else { throw .localPartTooLong }
        guard quoting.wireCount + 1 + host.description.utf8.count + 2 <= limits.path else { throw .pathTooLong }
    }

    /// Parses the whole of `bytes` as a mailbox without brackets, such as `"j doe"@example.com`.
    public init(parsing bytes: Span<UInt8>, limits: AddressLimits = .standard) throws(AddressError) {
        let (address, end) = try MailboxParser(limits).mailbox(in: bytes, from: 0)
        guard end == bytes.count else { throw bytes[end].isControl ? .controlCharacter : .trailingText }
        // A path adds the two brackets.
        guard bytes.count + 2 <= limits.path else { throw .pathTooLong }
        self = address
    }

    /// Parses the whole of `bytes` as a mailbox without brackets.
    public init(parsing bytes: [UInt8], limits: AddressLimits = .standard) throws(AddressError) {
        try self.init(parsing: bytes.span, limits: limits)
    }

    /// Parses the whole of `bytes` as a mailbox without brackets.
    public init(parsing bytes: ArraySlice<UInt8>, limits: AddressLimits = .standard) throws(AddressError) {
        try self.init(parsing: bytes.span, limits: limits)
    }

    /// Parses the whole of `text` as a mailbox without brackets.
    public init(parsing text: some StringProtocol, limits: AddressLimits = .standard) throws(AddressError) {
        try self.init(parsing: Array(text.utf8).span, limits: limits)
    }

    /// The domain; nil for an address literal.
    public var domain: Domain? { host.domain }

    /// The mailbox as the wire has it, quoted only where needed, the domain in A-labels.
    public var wire: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    /// Appends `wire` to `bytes`.
    public func append(to bytes: inout [UInt8]) {
        if isDotString { bytes.append(contentsOf: localPart.utf8) } else { LocalPartQuoting.appendQuoted(localPart, to: &bytes) }
        bytes.append(0x40)
        if case .domain(let domain) = host {
            bytes.append(contentsOf: domain.ascii.utf8)
        } else {
            bytes.append(contentsOf: host.description.utf8)
        }
    }

    /// The mailbox for people, with U-labels where the domain has them.
    public var unicode: String {
        guard case .domain(let domain) = host else { return description }
        return localPartText + "@" + domain.unicode
    }

    private var localPartText: String {
        if isDotString { return localPart }
        var bytes: [UInt8] = []
        LocalPartQuoting.appendQuoted(localPart, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension EmailAddress: Hashable, CustomStringConvertible {
    /// The same mailbox: local parts byte for byte, hosts in canonical form.
    public static func == (left: EmailAddress, right: EmailAddress) -> Bool {
        guard left.host == right.host, left.isASCII == right.isASCII else { return false }
        // `==` on strings takes canonically equivalent text for equal; ASCII has none.
        return left.isASCII ? left.localPart == right.localPart : left.localPart.utf8.elementsEqual(right.localPart.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(localPart)
        hasher.combine(host)
    }

    /// `wire` as text.
    public var description: String { localPartText + "@" + host.description }
}
