/// The name of a header field, equal to another whatever the case of its letters (RFC 5322 §2.2).
public struct HeaderName: Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name as it was first written; ASCII.
    public let text: String

    /// A name of 1 to 77 printable ASCII characters without a colon; nil for anything else.
    public init?(parsing text: some StringProtocol) {
        guard (1...77).contains(text.utf8.count), text.utf8.allSatisfy({ OctetClass.fieldName.contains($0) }) else { return nil }
        self.text = String(text)
    }

    /// A name known when the program is written.
    public init(stringLiteral text: StaticString) {
        self.text = text.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
        assert(HeaderName(parsing: self.text) != nil, "not a field name")
    }

    /// `text`.
    public var description: String { text }

    public static let autoSubmitted: HeaderName = "Auto-Submitted"
    public static let contentType: HeaderName = "Content-Type"
    public static let date: HeaderName = "Date"
    public static let deliveredTo: HeaderName = "Delivered-To"
    public static let from: HeaderName = "From"
    public static let messageID: HeaderName = "Message-ID"
    public static let received: HeaderName = "Received"
    public static let returnPath: HeaderName = "Return-Path"
    public static let subject: HeaderName = "Subject"
    public static let to: HeaderName = "To"
}

extension HeaderName: Hashable {
    public static func == (left: HeaderName, right: HeaderName) -> Bool {
        left.text.utf8.count == right.text.utf8.count
            && zip(left.text.utf8, right.text.utf8).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
    }

    public func hash(into hasher: inout Hasher) {
        for octet in text.utf8 { hasher.combine(octet.asciiLowercased) }
    }
}
