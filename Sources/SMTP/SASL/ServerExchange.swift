/// The server's side of one SASL exchange, whatever its mechanism (RFC 4422 §3).
struct ServerExchange {
    /// What follows.
    enum Step {
        /// Send this and wait for a response.
        case challenge([UInt8])
        /// Ask the host.
        case ask(AuthenticationRequest)
        /// The response is not what the mechanism says.
        case malformed
        /// The client is not who it says.
        case refused
        /// The client is this account.
        case accepted(AuthenticatedAccount)
        /// The host cannot tell now.
        case unavailable
        /// The host wants the connection closed.
        case close(Reply)
    }

    private enum State {
        /// Nothing was said yet.
        case start(SASLMechanism)
        /// LOGIN: the name is to come.
        case loginName
        /// LOGIN: the password is to come.
        case loginPassword(name: String)
        /// The host is asked; its answer ends the exchange.
        case verdict
        /// The host is asked for a token; a refusal is told to the client before it counts.
        case token
        case scramKeys(SCRAMServer)
        case scramFinal(SCRAMServer)
        case scramVerdict(serverFinal: [UInt8])
        /// The last challenge is out; the client has to take note of it.
        case acknowledging(Outcome)
        /// The host leads.
        case led
    }

    private enum Outcome { case accepted(AuthenticatedAccount), refused }

    private var state: State
    /// What the mechanism is called.
    let mechanism: SASLMechanism

    init(_ mechanism: SASLMechanism) {
        self.mechanism = mechanism
        state = .start(mechanism)
    }

    /// Begins, with what the client sent along.
    mutating func begin(_ initialResponse: [UInt8]?, isLedByHost: Bool) -> Step {
        if isLedByHost {
            state = .led
            return .ask(.begin(mechanism: mechanism.rawValue, initialResponse: initialResponse.map(Secret.init)))
        }
        if let initialResponse { return take(initialResponse) }
        guard mechanism == .login else { return .challenge([]) }
        state = .loginName
        return .challenge(Array("Username:".utf8))
    }

    /// Takes a response of the client.
    mutating func take(_ response: [UInt8]) -> Step {
        switch state {
        case .start(let mechanism): return takeFirst(response, mechanism)
        case .loginName: return takeLoginName(response)
        case .loginPassword(let name):
            guard (1...PlainMessage.maxPassword).contains(response.count) else { return .malformed }
            state = .verdict
            return .ask(.password(name: name, Secret(response)))
        case .scramFinal(let scram): return takeSCRAMFinal(response, scram)
        case .acknowledging(.accepted(let account)): return response.isEmpty ? .accepted(account) : .malformed
        case .acknowledging(.refused): return .refused
        case .led: return .ask(.response(Secret(response)))
        case .verdict, .token, .scramKeys, .scramVerdict: return .malformed
        }
    }

    /// Takes an answer of the host.
    mutating func take(_ answer: AuthenticationAnswer) -> Step {
        switch (answer, state) {
        case (.close(let reply), _): return .close(reply)
        case (.unavailable, _): return .unavailable
        case (.challenge(let octets), .led): return .challenge(octets)
        case (.accepted(let account), .led), (.accepted(let account), .verdict), (.accepted(let account), .token):
            return .accepted(account)
        case (.accepted(let account), .scramVerdict(let serverFinal)):
            state = .acknowledging(.accepted(account))
            return .challenge(serverFinal)
        case (.keys(let keys, let nonce), .scramKeys(var scram)):
            let message = scram.serverFirst(keys, nonce: nonce)
            state = .scramFinal(scram)
            return .challenge(message)
        case (.refused, .token):
            state = .acknowledging(.refused)
            return .challenge(BearerMessage.failure)
        case (.refused, _): return .refused
        // An answer to another question than the one asked proves nothing.
        case (.accepted, _), (.keys, _), (.challenge, _): return .unavailable
        }
    }

    private mutating func takeFirst(_ response: [UInt8], _ mechanism: SASLMechanism) -> Step {
        switch mechanism {
        case .plain:
            guard let message = PlainMessage(response) else { return .malformed }
            guard message.authorization == nil || message.authorization == message.name else { return .refused }
            state = .verdict
            return .ask(.password(name: message.name, message.password))
        case .login: return takeLoginName(response)
        case .scramSHA256:
            guard let scram = SCRAMServer(clientFirst: response) else { return .malformed }
            guard scram.authorization == nil || scram.authorization == scram.name else { return .refused }
            state = .scramKeys(scram)
            return .ask(.keys(name: scram.name))
        case .oauthBearer, .xoauth2:
            guard let message = mechanism == .xoauth2 ? BearerMessage(xoauth2: response) : BearerMessage(oauthBearer: response) else {
                return .malformed
            }
            state = .token
            return .ask(.token(name: message.name, message.token))
        case .external:
            let name = SASLName.text(response)
            guard response.isEmpty || name != nil else { return .malformed }
            state = .verdict
            return .ask(.certificate(name: name))
        }
    }

    private mutating func takeLoginName(_ response: [UInt8]) -> Step {
        guard let name = SASLName.text(response) else { return .malformed }
        state = .loginPassword(name: name)
        return .challenge(Array("Password:".utf8))
    }

    private mutating func takeSCRAMFinal(_ response: [UInt8], _ scram: SCRAMServer) -> Step {
        guard let (isValid, serverFinal) = scram.verify(clientFinal: response) else { return .malformed }
        state = .scramVerdict(serverFinal: serverFinal)
        return .ask(.proof(name: scram.name, isValid: isValid))
    }
}
