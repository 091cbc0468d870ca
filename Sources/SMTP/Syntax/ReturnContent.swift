/// How much of the message a failure notification gives back: the values of `RET=` (RFC 3461 §4.3).
public enum ReturnContent: UInt8, Hashable, Sendable {
    /// `FULL`: the whole message.
    case full
    /// `HDRS`: its header only.
    case headers

    /// The value as `RET=` carries it.
    public var keyword: String {
        switch self {
        case .full: "FULL"
        case .headers: "HDRS"
        }
    }

    /// Parses the value of `RET=` in any case; nil for anything else.
    public init?(_ text: some Collection<UInt8>) {
        if text.equalsKeyword("FULL") { self = .full }
        else if text.equalsKeyword("HDRS") { self = .headers }
        else { return nil }
    }
}
