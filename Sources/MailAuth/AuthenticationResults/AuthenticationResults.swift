import MessageFormat

/// What one host found out about a message: the `Authentication-Results` field (RFC 8601 §2).
public struct AuthenticationResults: Hashable, Sendable {
    /// What one method found (`resinfo`).
    public struct Method: Hashable, Sendable {
        /// The method: `spf`, `dkim`, `dmarc`, `arc`, `iprev`, `auth`.
        public var method: String
        /// The version of the method, where one is written.
        public var version: Int?
        /// The result word.
        public var result: String
        /// A comment after the result, for people.
        public var comment: String?
        /// The reason, for people.
        public var reason: String?
        /// What was evaluated.
        public var properties: [Property]

        /// A method's result.
        public init(_ method: String, _ result: String, version: Int? = nil, comment: String? = nil, reason: String? = nil,
                    _ properties: [Property] = []) {
            self.method = method
            self.result = result
            self.version = version
            self.comment = comment
            self.reason = reason
            self.properties = properties
        }

        /// A method's result.
        public init(_ method: String, _ result: AuthenticationResult, comment: String? = nil, reason: String? = nil,
                    _ properties: [Property] = []) {
            self.init(method, result.rawValue, version: nil, comment: comment, reason: reason, properties)
        }
    }

    /// What was evaluated, such as `smtp.mailfrom=example.org` (`propspec`).
    public struct Property: Hashable, Sendable {
        /// Where it comes from: `smtp`, `header`, `body` or `policy`.
        public var type: String
        /// Its name.
        public var name: String
        /// Its value, without quotes.
        public var value: String

        /// A property.
        public init(_ type: String, _ name: String, _ value: String) {
            self.type = type
            self.name = name
            self.value = value
        }
    }

    /// Who did the checks (`authserv-id`).
    public var service: String
    /// The version of the field, where one is written.
    public var version: Int?
    /// The results in their order; none means that nothing was checked.
    public var methods: [Method]

    /// The results that `service` found.
    public init(service: String, version: Int? = nil, methods: [Method] = []) {
        self.service = service
        self.version = version
        self.methods = methods
    }
}

extension HeaderName {
    /// What a host found out about the message (RFC 8601).
    public static let authenticationResults: HeaderName = "Authentication-Results"
    /// What SPF found (RFC 7208 §9.1).
    public static let receivedSPF: HeaderName = "Received-SPF"
}

extension AuthenticationResults {
    /// The body of the field, to be folded at its blanks.
    public var body: String {
        var text = AuthenticationResults.value(service)
        if let version { text += " \(version)" }
        if methods.isEmpty { return text + "; none" }
        for method in methods { text += "; " + method.text }
        return text
    }

    /// The field.
    public var field: HeaderField { HeaderField(.authenticationResults, structured: body) }

    /// `text` as a token, or else as a quoted-string (RFC 2045 §5.1).
    static func value(_ text: String) -> String {
        !text.isEmpty && text.utf8.allSatisfy(\.isTokenOctet) ? text : quoted(text)
    }

    /// `text` as a quoted-string (RFC 5322 §3.2.4).
    static func quoted(_ text: String) -> String { "\"" + escaped(text, #""\"#) + "\"" }

    /// `text` as a comment (RFC 5322 §3.2.2).
    static func comment(_ text: String) -> String { "(" + escaped(text, #"()\"#) + ")" }

    // By scalars: a quote with a mark that combines with it is one character that is no quote, and ends the string all the same.
    private static func escaped(_ text: String, _ special: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if special.unicodeScalars.contains(scalar) { result.append("\\") }
            result.append(scalar.value < 0x20 || scalar.value == 0x7f ? " " : scalar)
        }
        return String(result)
    }
}

extension AuthenticationResults.Method {
    fileprivate var text: String {
        var text = method
        if let version { text += "/\(version)" }
        text += "=" + result
        if let comment { text += " " + AuthenticationResults.comment(comment) }
        if let reason { text += " reason=" + AuthenticationResults.quoted(reason) }
        for property in properties { text += " \(property.type).\(property.name)=\(property.text)" }
        return text
    }
}

extension AuthenticationResults.Property {
    /// The value as it is where the grammar lets it stand: a token, a domain, or an address whose local part is one.
    fileprivate var text: String {
        let pieces = value.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        let isPlain = pieces.count <= 2 && !value.isEmpty && pieces.allSatisfy { $0.allSatisfy(\.isTokenOctet) } && !(pieces.last?.isEmpty ?? true)
        return isPlain ? value : AuthenticationResults.quoted(value)
    }
}

extension UInt8 {
    /// Whether this octet may stand in a token (RFC 2045 §5.1).
    var isTokenOctet: Bool {
        (0x21...0x7e).contains(self) && !"()<>@,;:\\\"/[]?=".utf8.contains(self)
    }
}
