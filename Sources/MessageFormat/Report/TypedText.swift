/// A value with the registry that gives it meaning, as fields of reports have it: `rfc822; a@x.example`,
/// `dns; mx.x.example`, `smtp; 550 no` (RFC 3464 §2.1.2).
public struct TypedText: Hashable, Sendable, CustomStringConvertible {
    /// The type in lower case, such as `rfc822`, `utf-8`, `dns` or `smtp`.
    public let type: String
    /// The value, decoded where its type has an encoding; free of controls.
    public let text: String

    /// A value of a type; controls become spaces.
    public init(type: String, _ text: String) {
        self.type = VisibleText.from(type.lowercased())
        self.text = VisibleText.from(text)
    }

    /// An address of type `rfc822`, or `utf-8` when its local part needs it (RFC 6533 §3).
    public static func address(_ address: EmailAddress) -> TypedText {
        address.isASCII ? TypedText(type: "rfc822", address.description) : TypedText(type: "utf-8", address.unicode)
    }

    /// The name of a host (RFC 3464 §2.1.2, mta-name-type `dns`).
    public static func dns(_ name: String) -> TypedText { TypedText(type: "dns", name) }

    /// The reply of an SMTP server (RFC 3464 §2.3.6, diagnostic-type `smtp`).
    public static func smtp(_ reply: String) -> TypedText { TypedText(type: "smtp", reply) }

    /// The mailbox that an address type names, tolerant of brackets around it; nil where there is none.
    public var address: EmailAddress? {
        guard type == "rfc822" || type == "utf-8" else { return nil }
        let bare = text.hasPrefix("<") && text.hasSuffix(">") ? text.dropFirst().dropLast() : text[...]
        return try? EmailAddress(parsing: bare, limits: AddressLimits(localPart: 255, path: 512))
    }

    /// `type; text`.
    public var description: String { "\(type); \(text)" }

    /// Parses `type; text` from an unfolded field body; nil without a type and semicolon.
    init?(parsing body: String) {
        var scanner = TokenScanner(Array(body.utf8))
        guard let type = scanner.token(), scanner.take(0x3b) else { return nil }
        let text = scanner.rest()
        // All three forms of RFC 6533 occur in the field; plain UTF-8 passes through the decoder, too, if it has no special.
        let decoded = type.lowercased() == "utf-8" ? UnicodeAddressText.decode(Array(text.utf8)) : nil
        self.init(type: type, decoded ?? text)
    }

    /// The field body for a report in `charset`.
    func body(_ charset: HeaderCharset) -> String {
        guard type == "utf-8", charset == .ascii else { return description }
        return "\(type); \(String(decoding: UnicodeAddressText.encode(text, .xtext), as: UTF8.self))"
    }
}
