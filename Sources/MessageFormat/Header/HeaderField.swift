/// A header field to be written: the one way by which text gets into a header.
///
/// Whatever goes in, what comes out is one field: no control character and no line end but those of
/// its own folds, no line over 998 octets, and over 78 only where there is no blank to fold at
/// (RFC 5322 §2.1.1, §2.2.3).
public struct HeaderField: Hashable, Sendable {
    /// The name of the field.
    public let name: HeaderName
    /// The body before folding, free of controls.
    private let content: [UInt8]

    /// An unstructured field, such as `Subject`, of any text: what the charset does not allow becomes encoded words.
    public init(_ name: HeaderName, text: some StringProtocol, charset: HeaderCharset = .ascii) {
        self.name = name
        let visible = VisibleText.from(String(text))
        let isPlain = visible.utf8.allSatisfy { $0 < 0x80 || charset == .utf8 }
        // Text that looks like an encoded word would not come back as it was; a long one could not be folded.
        let isFoldable = visible.utf8.split(separator: 0x20).allSatisfy { $0.count <= HeaderField.preferredWidth }
            && HeaderField.longestBlank(Array(visible.utf8)) <= HeaderField.maxBlank
        content = isPlain && isFoldable && !visible.contains("=?") ? Array(visible.utf8)
            : EncodedWord.encode(visible, lineOctets: name.text.utf8.count + 2)
    }

    /// A structured field whose body is already in its grammar; what the charset does not allow becomes `?`.
    public init(_ name: HeaderName, structured body: some StringProtocol, charset: HeaderCharset = .ascii) {
        self.name = name
        var octets: [UInt8] = []
        for scalar in VisibleText.from(String(body)).unicodeScalars {
            if scalar.isASCII || charset == .utf8 { octets.append(contentsOf: String(scalar).utf8) } else { octets.append(0x3f) }
        }
        content = HeaderField.longestBlank(octets) <= HeaderField.maxBlank ? octets
            : Array(octets.split(separator: 0x20).joined(separator: [0x20]))
    }

    /// A field of mailboxes, such as `From` or `To` (RFC 5322 §3.6.2).
    public init(_ name: HeaderName, _ mailboxes: [HeaderMailbox], charset: HeaderCharset = .ascii) {
        self.name = name
        content = Array(mailboxes.map { $0.wire(charset, lineOctets: name.text.utf8.count + 2) }.joined(separator: [0x2c, 0x20]))
    }

    /// A field that holds a date in UTC (RFC 5322 §3.6.1).
    public init(_ name: HeaderName, date: DateTime) {
        self.name = name
        content = Array(date.description.utf8)
    }

    /// The field with its folds and final CRLF.
    public var wire: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    /// Whether the field is all ASCII; if not, its message needs SMTPUTF8.
    public var isASCII: Bool { content.allSatisfy { $0 < 0x80 } }

    /// Appends `wire` to `bytes`.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: name.text.utf8)
        bytes.append(0x3a)
        var width = name.text.utf8.count + 1
        var index = 0
        while index < content.count {
            // One piece is a run of blanks and the word after it; a fold goes before the blanks.
            let start = index
            while index < content.count, content[index] == 0x20 { index += 1 }
            while index < content.count, content[index] != 0x20 { index += 1 }
            let isFirst = start == 0
            let count = index - start + (isFirst ? 1 : 0)
            if width + count > HeaderField.preferredWidth, !isFirst {
                bytes.append(contentsOf: [0x0d, 0x0a])
                width = 0
            }
            if isFirst {
                bytes.append(0x20)
                width += 1
            }
            append(content[start..<index], to: &bytes, width: &width)
        }
        bytes.append(contentsOf: [0x0d, 0x0a])
    }

    /// Appends a piece, cut where even the hard limit of a line leaves no choice.
    private func append(_ piece: ArraySlice<UInt8>, to bytes: inout [UInt8], width: inout Int) {
        var rest = piece
        while width + rest.count > HeaderField.maxWidth {
            var cut = rest.startIndex + HeaderField.maxWidth - width
            // Never between the octets of a character.
            while cut > rest.startIndex + 1, rest[cut] & 0xc0 == 0x80 { cut -= 1 }
            bytes.append(contentsOf: rest[..<cut])
            bytes.append(contentsOf: [0x0d, 0x0a, 0x20])
            width = 1
            rest = rest[cut...]
        }
        bytes.append(contentsOf: rest)
        width += rest.count
    }

    private static func longestBlank(_ octets: [UInt8]) -> Int {
        var longest = 0
        var run = 0
        for octet in octets {
            run = octet == 0x20 ? run + 1 : 0
            longest = max(longest, run)
        }
        return longest
    }

    /// A longer run of blanks could fill a line, which some readers take for the end of the header.
    private static let maxBlank = 64
    private static let preferredWidth = 78
    private static let maxWidth = 998
}
