/// The messages that carry a token of an OAuth 2.0 service.
///
///     OAUTHBEARER   n,a=user@example.com,^Ahost=mx.example^Aport=587^Aauth=Bearer vF9dft4qmT…^A^A   (RFC 7628 §3.1)
///     XOAUTH2       user=user@example.com^Aauth=Bearer ya29.vF9dft4qmT…^A^A
struct BearerMessage: Hashable, Sendable {
    /// The account that the client names; nil when only the token tells.
    var name: String?
    var token: Secret

    private static let separator: UInt8 = 1

    /// The message of OAUTHBEARER.
    init?(oauthBearer octets: [UInt8]) {
        let fields = octets.split(separator: BearerMessage.separator, omittingEmptySubsequences: false)
        guard fields.count >= 4, let header = fields.first, fields.suffix(2).allSatisfy(\.isEmpty) else { return nil }
        let parts = header.split(separator: SCRAMMessages.comma, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].elementsEqual("n".utf8) || parts[0].elementsEqual("y".utf8), parts[2].isEmpty else { return nil }
        if !parts[1].isEmpty {
            guard let text = SCRAMMessages.value("a", parts[1]).flatMap({ SASLName.text($0) }) else { return nil }
            name = text
        }
        guard let token = BearerMessage.token(in: fields.dropFirst()) else { return nil }
        self.token = token
    }

    /// The message of XOAUTH2.
    init?(xoauth2 octets: [UInt8]) {
        let fields = octets.split(separator: BearerMessage.separator, omittingEmptySubsequences: false)
        guard let first = fields.first, first.starts(with: "user=".utf8), let name = SASLName.text(first.dropFirst(5)),
              let token = BearerMessage.token(in: fields.dropFirst()) else { return nil }
        self.name = name
        self.token = token
    }

    /// The message of XOAUTH2 for a client.
    static func encode(xoauth2 name: String, token: Secret) -> [UInt8] {
        Array("user=\(name)\u{1}auth=Bearer ".utf8) + token.octets + [separator, separator]
    }

    /// What a client is told before the failure: that its token is no good (RFC 7628 §3.2.2).
    static let failure = Array(#"{"status":"invalid_token"}"#.utf8)

    private static func token(in fields: ArraySlice<ArraySlice<UInt8>>) -> Secret? {
        let values = fields.filter { $0.starts(with: "auth=".utf8) }
        guard values.count == 1, let value = values.first?.dropFirst(5), value.count > 7,
              value.prefix(7).elementsEqual("bearer ".utf8, by: { $0 | 0x20 == $1 | 0x20 }) else { return nil }
        let token = value.dropFirst(7)
        guard token.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        return Secret(Array(token))
    }
}
