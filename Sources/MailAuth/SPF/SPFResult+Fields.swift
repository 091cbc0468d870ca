import MessageFormat
import Ports

extension SPFResult {
    /// The `Received-SPF` field of this result (RFC 7208 §9.1), made by the host `receiver`.
    public func receivedField(_ request: SPFRequest, receiver: String) -> HeaderField {
        var text = result.rawValue + " " + AuthenticationResults.comment("\(receiver): \(reason)")
        let sender = request.identity == .mailFrom ? "\(request.localPart)@\(request.domain)" : ""
        var pairs = [("client-ip", request.client.description), ("envelope-from", sender), ("helo", request.helo),
                     ("identity", identity.rawValue), ("receiver", receiver)]
        if let mechanism { pairs.append(("mechanism", mechanism)) }
        text += " " + pairs.map { "\($0)=\(SPFResult.value($1))" }.joined(separator: "; ")
        return HeaderField(.receivedSPF, structured: text)
    }

    /// This result for `Authentication-Results` (RFC 8601 §2.7.2).
    public func method(_ request: SPFRequest) -> AuthenticationResults.Method {
        let property = switch identity {
        case .helo: AuthenticationResults.Property("smtp", "helo", request.helo)
        case .mailFrom: AuthenticationResults.Property("smtp", "mailfrom", "\(request.localPart)@\(request.domain)")
        }
        return AuthenticationResults.Method("spf", result, reason: reason, [property])
    }

    /// A dot-atom as it is, anything else in quotes (RFC 7208 §9.1 `value`).
    private static func value(_ text: String) -> String {
        let isAtom = !text.isEmpty && text.utf8.allSatisfy(\.isTokenOctet)
        return isAtom && !text.hasPrefix(".") && !text.hasSuffix(".") ? text : AuthenticationResults.quoted(text)
    }
}
