/// The message of PLAIN: `[authzid] NUL authcid NUL passwd` (RFC 4616 §2).
struct PlainMessage: Hashable, Sendable {
    var authorization: String?
    var name: String
    var password: Secret

    /// The longest password, in octets.
    static let maxPassword = 1024

    /// The message in `octets`; nil when it is none.
    init?(_ octets: [UInt8]) {
        let parts = octets.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3, let name = SASLName.text(parts[1]), (1...PlainMessage.maxPassword).contains(parts[2].count) else { return nil }
        if !parts[0].isEmpty {
            guard let text = SASLName.text(parts[0]) else { return nil }
            authorization = text
        }
        self.name = name
        password = Secret(Array(parts[2]))
    }

    /// The message for an account's own name.
    static func encode(name: String, password: Secret) -> [UInt8] { [0] + Array(name.utf8) + [0] + password.octets }
}
