import MessageFormat

/// The name that a client authenticates as: text without control characters, 1 to 255 octets, compared as it is.
public struct AccountName: Hashable, Sendable, CustomStringConvertible {
    /// The name.
    public let description: String

    /// The name `text`; nil when it is empty, too long or holds a control character.
    public init?(_ text: String) {
        guard (1...255).contains(text.utf8.count), !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return nil }
        description = text
    }
}
