/// An enhanced mail system status code such as `5.1.1` (RFC 3463, RFC 5248).
public struct EnhancedStatusCode: Hashable, Sendable, CustomStringConvertible {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    public var `class`: UInt8
    /// What the code is about: 1 address, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 policy.
    public var subject: UInt16
    /// The precise condition within the subject.
    public var detail: UInt16

    /// The code `class.subject.detail`.
    public init(_ class: UInt8, _ subject: UInt16, _ detail: UInt16) {
        self.class = `class`
        self.subject = subject
        self.detail = detail
    }

    /// Parses `class.subject.detail` with class 2, 4 or 5 and at most three digits in the others; nil for anything else.
    public init?(_ text: some Collection<UInt8>) {
        guard let (code, end) = EnhancedStatusCode.prefix(of: text), end == text.endIndex else { return nil }
        self = code
    }

    /// The code that `text` starts with and where it ends, nil if it starts with none.
    public static func prefix<Text: Collection<UInt8>>(of text: Text) -> (code: EnhancedStatusCode, end: Text.Index)? {
        var index = text.startIndex
        func number(upTo digits: Int) -> UInt16? {
            var value: UInt16 = 0
            var count = 0
            while index < text.endIndex, count < digits, case 0x30...0x39 = text[index] {
                value = value * 10 + UInt16(text[index] - 0x30)
                count += 1
                text.formIndex(after: &index)
            }
            return count == 0 ? nil : value
        }
        func dot() -> Bool {
            guard index < text.endIndex, text[index] == UInt8(ascii: ".") else { return false }
            text.formIndex(after: &index)
            return true
        }
        guard let major = number(upTo: 1), [2, 4, 5].contains(major), dot(),
              let subject = number(upTo: 3), dot(), let detail = number(upTo: 3) else { return nil }
        if index < text.endIndex, case 0x30...0x39 = text[index] { return nil }
        return (EnhancedStatusCode(UInt8(truncatingIfNeeded: major), subject, detail), index)
    }

    /// `5.1.1`.
    public var description: String { "\(self.class).\(subject).\(detail)" }

    /// Appends the text of the code to `bytes`.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(0x30 &+ self.class)
        bytes.append(UInt8(ascii: "."))
        bytes.appendDecimal(Int(subject))
        bytes.append(UInt8(ascii: "."))
        bytes.appendDecimal(Int(detail))
    }
}
