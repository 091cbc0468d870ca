/// Makes untrusted text harmless: what is left can end no line and drive no terminal.
enum VisibleText {
    /// `octets` as text: controls and line separators become spaces, bad UTF-8 becomes U+FFFD, both ends are trimmed.
    static func from(_ octets: [UInt8]) -> String { from(String(decoding: octets, as: UTF8.self)) }

    /// `text` with controls and line separators turned into spaces, both ends trimmed.
    static func from(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let value = scalar.value
            let isUnsafe = value < 0x20 || (0x7f...0x9f).contains(value) || value == 0x2028 || value == 0x2029
            scalars.append(isUnsafe ? " " : scalar)
        }
        let trimmed = scalars.drop { $0 == " " }
        guard let last = trimmed.lastIndex(where: { $0 != " " }) else { return "" }
        return String(Substring(trimmed[...last]))
    }
}
