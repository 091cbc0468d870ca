import FoundationEssentials
import Ports
import Sockets

/// Where the parts of an ACME server are (RFC 8555 §7.1.1).
struct ACMEDirectory: Decodable {
    let newNonce: String
    let newAccount: String
    let newOrder: String
}

/// The state of an order (RFC 8555 §7.1.3).
struct ACMEOrderState: Decodable {
    let status: String
    let authorizations: [String]
    let finalize: String
    let certificate: String?
    let error: ACMEProblem?
}

/// The state of an authorization (RFC 8555 §7.1.4).
struct ACMEAuthorization: Decodable {
    struct Identifier: Decodable { let value: String }
    struct Challenge: Decodable {
        let type: String
        let url: String
        let token: String?
        let status: String?
        let error: ACMEProblem?
    }

    let identifier: Identifier
    let status: String
    let challenges: [Challenge]
}

/// What the server says of a refusal (RFC 8555 §6.7, RFC 7807).
struct ACMEProblem: Decodable {
    let type: String?
    let detail: String?

    /// The type without its name space.
    var word: String { ACMEProblem.clean(type.flatMap { $0.split(separator: ":").last.map(String.init) } ?? "unknown") }

    /// The words, short and without controls.
    var words: String { ACMEProblem.clean(detail ?? "") }

    private static func clean(_ text: String) -> String {
        String(text.unicodeScalars.prefix(300).map { $0.isASCII && $0 >= " " && $0 != "\u{7f}" ? Character($0) : "?" })
    }
}

extension HTTPResponse {
    /// The content as JSON of this form.
    func json<Value: Decodable>(_ type: Value.Type, _ what: String) throws(ACMEError) -> Value {
        do { return try JSONDecoder().decode(type, from: Data(body)) } catch { throw .malformed(what) }
    }

    /// How long the server asks to wait; a date is not understood.
    var retryAfter: Duration? {
        guard let text = field("Retry-After"), text.utf8.count <= 6, let seconds = Int64(text), seconds >= 0 else { return nil }
        return .seconds(seconds)
    }
}
