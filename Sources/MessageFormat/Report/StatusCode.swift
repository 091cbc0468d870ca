/// The value of a `Status` field, such as `5.1.1` (RFC 3464 §2.3.4, RFC 3463 §2).
public struct StatusCode: Hashable, Sendable, CustomStringConvertible {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    public let `class`: UInt8
    /// What the code is about.
    public let subject: UInt16
    /// The precise condition.
    public let detail: UInt16

    /// The code `class.subject.detail`.
    public init(_ class: UInt8, _ subject: UInt16, _ detail: UInt16) {
        self.class = `class`
        self.subject = subject
        self.detail = detail
    }

    /// Parses the code at the start of a field body; a comment or text after it is ignored.
    public init?(parsing text: some StringProtocol) {
        let word = text.utf8.drop { $0.isWhitespace }.prefix { $0.isDigit || $0 == 0x2e }
        let parts = word.split(separator: 0x2e, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 1, (1...3).contains(parts[1].count), (1...3).contains(parts[2].count),
              let major = UInt8(String(decoding: parts[0], as: UTF8.self)), [2, 4, 5].contains(major),
              let subject = UInt16(String(decoding: parts[1], as: UTF8.self)),
              let detail = UInt16(String(decoding: parts[2], as: UTF8.self)) else { return nil }
        self.init(major, subject, detail)
    }

    /// `5.1.1`.
    public var description: String { "\(self.class).\(subject).\(detail)" }
}
