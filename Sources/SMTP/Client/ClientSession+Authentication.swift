import Ports

// MARK: AUTH (RFC 4954)

extension ClientSession {
    /// Begins to prove who this client is; the session is of no use to it otherwise.
    mutating func authenticate(at now: Timestamp) {
        guard let authentication = settings.authentication else { state = .idle; return }
        guard isEncrypted || authentication.allowsPlaintext else { return end(.failed(.authenticationNeedsTLS, at: .authentication)) }
        guard let exchange = SASLClient(authentication, offered: capabilities.authentication) else {
            return end(.failed(.noCommonMechanism, at: .authentication))
        }
        output.append(contentsOf: "AUTH \(exchange.mechanism.rawValue)".utf8)
        if let response = exchange.initialResponse {
            output.append(0x20)
            // No octets at all are written as `=` (RFC 4954 §4).
            output.append(contentsOf: response.isEmpty ? [UInt8(ascii: "=")] : SASLBase64.encode(response))
        }
        output.append(contentsOf: [0x0d, 0x0a])
        state = .authenticating(exchange)
        deadline = now + settings.authenticationTimeout
    }

    /// Takes the reply to AUTH or to a response.
    mutating func takeAuthentication(_ reply: Reply, _ exchange: SASLClient, at now: Timestamp) {
        switch reply.severity {
        case .success:
            // A server that skips its own proof may be anybody.
            guard exchange.isComplete else { return fail(.serverNotAuthenticated) }
            isAuthenticated = true
            state = .idle
            deadline = .distantFuture
        case .intermediate:
            var exchange = exchange
            guard let challenge = SASLBase64.decode(Array(reply.text.utf8)), let response = exchange.respond(to: challenge) else {
                return fail(.serverNotAuthenticated)
            }
            output.append(contentsOf: SASLBase64.encode(response))
            output.append(contentsOf: [0x0d, 0x0a])
            state = .authenticating(exchange)
            deadline = now + settings.authenticationTimeout
        case .transient, .permanent:
            refuse(withoutSecrets(reply), at: .authentication)
        }
    }

    /// `reply` for logs and reports: nothing of what was sent may come back in it.
    private func withoutSecrets(_ reply: Reply) -> Reply {
        guard let authentication = settings.authentication else { return reply }
        let secrets = [authentication.secret.octets, SASLBase64.encode(authentication.secret.octets),
                       SASLBase64.encode(PlainMessage.encode(name: authentication.name, password: authentication.secret)),
                       SASLBase64.encode(BearerMessage.encode(xoauth2: authentication.name, token: authentication.secret))]
        let text = reply.text
        guard secrets.contains(where: { !$0.isEmpty && text.contains(String(decoding: $0, as: UTF8.self)) }) else { return reply }
        return Reply(reply.code, reply.enhanced, "(text withheld)")
    }
}
