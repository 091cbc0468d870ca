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

    /// Whether a program sent the message (RFC 3834 §5).
    public static let autoSubmitted: HeaderName = "Auto-Submitted"
    /// What the body is (RFC 2045 §5).
    public static let contentType: HeaderName = "Content-Type"
    /// When the message was written (RFC 5322 §3.6.1).
    public static let date: HeaderName = "Date"
    /// A mailbox that the message was delivered to.
    public static let deliveredTo: HeaderName = "Delivered-To"
    /// Who wrote the message (RFC 5322 §3.6.2).
    public static let from: HeaderName = "From"
    /// The name of the message (RFC 5322 §3.6.4).
    public static let messageID: HeaderName = "Message-ID"
    /// A hop that the message took (RFC 5321 §4.4).
    public static let received: HeaderName = "Received"
    /// The reverse-path, added at final delivery (RFC 5321 §4.4).
    public static let returnPath: HeaderName = "Return-Path"
    /// What the message is about (RFC 5322 §3.6.5).
    public static let subject: HeaderName = "Subject"
    /// Whom the message is for (RFC 5322 §3.6.3).
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
