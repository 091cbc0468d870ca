/// What a decoder noticed in a message on its way through.
public struct ContentFindings: OptionSet, Hashable, Sendable {
    /// The findings as bits.
    public var rawValue: UInt8

    /// The findings in the bits of `rawValue`.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A CR that no LF follows (RFC 5321 §2.3.8).
    public static let bareCR = ContentFindings(rawValue: 1)
    /// A LF that no CR precedes (RFC 5321 §2.3.8).
    public static let bareLF = ContentFindings(rawValue: 2)
    /// A NUL octet.
    public static let nul = ContentFindings(rawValue: 4)
    /// An octet above 127.
    public static let eightBit = ContentFindings(rawValue: 8)
    /// A line of more than 998 octets without its CRLF (RFC 5322 §2.1.1).
    public static let longLine = ContentFindings(rawValue: 16)
    /// A line longer than the decoder was told to allow.
    public static let overlongLine = ContentFindings(rawValue: 32)

    /// A message that does not end in a line break; only chunks can carry one.
    public static let unfinishedLine = ContentFindings(rawValue: 64)

    /// The longest line of RFC 5322 §2.1.1 without its CRLF.
    public static let lineOctetsMax = 998

    /// Adds what the length of a line says.
    mutating func noteLine(of octets: Int, allowed: Int) {
        guard octets > ContentFindings.lineOctetsMax else { return }
        insert(.longLine)
        if octets > allowed { insert(.overlongLine) }
    }
}
