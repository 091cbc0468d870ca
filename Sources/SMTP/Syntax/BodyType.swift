/// What the message may contain: the values of `BODY=` (RFC 6152, RFC 3030).
public enum BodyType: UInt8, Hashable, Sendable {
    /// `7BIT`: lines of US-ASCII.
    case sevenBit
    /// `8BITMIME`: lines of any octets but NUL (RFC 6152).
    case eightBitMIME
    /// `BINARYMIME`: any octets, sent with BDAT only (RFC 3030).
    case binaryMIME

    /// The value as `BODY=` carries it.
    public var keyword: String {
        switch self {
        case .sevenBit: "7BIT"
        case .eightBitMIME: "8BITMIME"
        case .binaryMIME: "BINARYMIME"
        }
    }

    /// Parses the value of `BODY=` in any case; nil for anything else.
    public init?(_ text: some Collection<UInt8>) {
        if text.equalsKeyword("8BITMIME") { self = .eightBitMIME }
        else if text.equalsKeyword("7BIT") { self = .sevenBit }
        else if text.equalsKeyword("BINARYMIME") { self = .binaryMIME }
        else { return nil }
    }
}
