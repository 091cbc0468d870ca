/// Why text is not an address (RFC 5321 §4.1.2, §4.5.3.1; RFC 6531 §3.3).
public enum AddressError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing where an address was expected.
    case empty
    /// A path without `<`, or one that does not end in `>`.
    case missingBracket
    /// A null path where only a mailbox is allowed.
    case nullPath
    /// The text before the `@` is not a local part, or there is no `@`.
    case localPart
    /// A quoted local part that has no end.
    case unclosedQuote
    /// The local part is longer than 64 octets.
    case localPartTooLong
    /// The text after the `@` is not a domain.
    case domain
    /// A domain of more than 255 octets, or a label of more than 63.
    case domainTooLong
    /// A U-label that IDNA does not allow (RFC 5891).
    case internationalDomain
    /// An address literal that is neither IPv4 nor `IPv6:` (RFC 5321 §4.1.3).
    case addressLiteral
    /// The source route before the mailbox is malformed.
    case sourceRoute
    /// The path is longer than 256 octets.
    case pathTooLong
    /// A control character, NUL, CR or LF.
    case controlCharacter
    /// Octets above 127 that are not UTF-8.
    case invalidUTF8
    /// Text after the end of the address.
    case trailingText

    /// A constant English phrase, safe to show to a peer.
    public var description: String {
        switch self {
        case .empty: "the address is empty"
        case .missingBracket: "the address must stand in < and >"
        case .nullPath: "the null address is not allowed here"
        case .localPart: "the part before the @ is not valid"
        case .unclosedQuote: "a quoted local part has no end"
        case .localPartTooLong: "the local part is too long"
        case .domain: "the domain is not valid"
        case .domainTooLong: "the domain is too long"
        case .internationalDomain: "the international domain is not valid"
        case .addressLiteral: "the address literal is not valid"
        case .sourceRoute: "the source route is not valid"
        case .pathTooLong: "the address is too long"
        case .controlCharacter: "control characters are not allowed in an address"
        case .invalidUTF8: "the address is not valid UTF-8"
        case .trailingText: "there is text after the address"
        }
    }
}
