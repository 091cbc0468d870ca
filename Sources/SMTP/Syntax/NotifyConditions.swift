/// When the sender wants a delivery status notification: the values of `NOTIFY=` (RFC 3461 §4.1).
public struct NotifyConditions: OptionSet, Hashable, Sendable {
    /// Bit set; 0 is `NEVER`.
    public var rawValue: UInt8

    /// The conditions in the bits of `rawValue`.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// No notification at all.
    public static let never: NotifyConditions = []
    /// When the message was delivered.
    public static let success = NotifyConditions(rawValue: 1)
    /// When it could not be delivered.
    public static let failure = NotifyConditions(rawValue: 2)
    /// When delivery takes unusually long.
    public static let delay = NotifyConditions(rawValue: 4)

    /// Parses the value of `NOTIFY=`; nil when it is empty, unknown or mixes `NEVER` with others.
    public init?(_ text: some Collection<UInt8>) {
        self = []
        if text.equalsKeyword("NEVER") { return }
        for word in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            if word.equalsKeyword("SUCCESS") { insert(.success) }
            else if word.equalsKeyword("FAILURE") { insert(.failure) }
            else if word.equalsKeyword("DELAY") { insert(.delay) }
            else { return nil }
        }
    }

    /// The value as `NOTIFY=` carries it.
    public var wire: String {
        if isEmpty { return "NEVER" }
        var words: [String] = []
        if contains(.success) { words.append("SUCCESS") }
        if contains(.failure) { words.append("FAILURE") }
        if contains(.delay) { words.append("DELAY") }
        return words.joined(separator: ",")
    }
}
