/// Who a client session is at a server that wants to know.
public struct ClientAuthentication: Hashable, Sendable {
    /// What the secret is.
    public enum Kind: Hashable, Sendable {
        /// A password: SCRAM-SHA-256, PLAIN or LOGIN.
        case password
        /// A token of an OAuth 2.0 service: XOAUTH2.
        case token
    }

    /// The name of the account.
    public var name: String
    /// The password or token.
    public var secret: Secret
    /// What the secret is.
    public var kind: Kind
    /// Whether the secret may travel in the clear; SCRAM does not tell it, yet proves it to whoever listens.
    public var allowsPlaintext = false
    /// What SCRAM's nonce is made of: never the same twice.
    public var nonce: [UInt8] = []

    /// Credentials for a server.
    public init(name: String, secret: Secret, kind: Kind = .password) {
        self.name = name
        self.secret = secret
        self.kind = kind
    }

    /// The mechanisms that can be used, best first.
    var mechanisms: [SASLMechanism] {
        switch kind {
        case .password: [.scramSHA256, .plain, .login]
        case .token: [.xoauth2]
        }
    }
}

/// The client's side of one SASL exchange.
struct SASLClient: Hashable, Sendable {
    private enum State: Hashable {
        /// Nothing more is to be said.
        case done
        case loginName
        case loginPassword
        case scramFirst(SCRAMClient)
        case scramFinal(SCRAMClient)
        /// The server has told why the token is no good, and waits for a word.
        case xoauth2
    }

    let mechanism: SASLMechanism
    private let authentication: ClientAuthentication
    private var state: State
    /// What goes with AUTH; nil where the server speaks first.
    let initialResponse: [UInt8]?

    /// The best exchange that the server offers; nil when there is none.
    init?(_ authentication: ClientAuthentication, offered: [String]) {
        guard let mechanism = authentication.mechanisms.first(where: { offered.contains($0.rawValue) }) else { return nil }
        self.mechanism = mechanism
        self.authentication = authentication
        switch mechanism {
        case .plain:
            initialResponse = PlainMessage.encode(name: authentication.name, password: authentication.secret)
            state = .done
        case .login:
            initialResponse = nil
            state = .loginName
        case .scramSHA256:
            let scram = SCRAMClient(name: authentication.name, password: authentication.secret, nonce: SASLBase64.encode(authentication.nonce))
            initialResponse = scram.clientFirst
            state = .scramFirst(scram)
        case .xoauth2:
            initialResponse = BearerMessage.encode(xoauth2: authentication.name, token: authentication.secret)
            state = .xoauth2
        case .oauthBearer, .external: return nil
        }
    }

    /// The response to a challenge; nil when the challenge is none that this mechanism has, or not the right server's.
    mutating func respond(to challenge: [UInt8]) -> [UInt8]? {
        switch state {
        case .done: return nil
        case .loginName:
            state = .loginPassword
            return Array(authentication.name.utf8)
        case .loginPassword:
            state = .done
            return authentication.secret.octets
        case .scramFirst(var scram):
            guard let final = scram.clientFinal(serverFirst: challenge) else { return nil }
            state = .scramFinal(scram)
            return final
        case .scramFinal(let scram):
            guard scram.isValid(serverFinal: challenge) else { return nil }
            state = .done
            return []
        case .xoauth2:
            state = .done
            return []
        }
    }

    /// Whether the server has shown all that this mechanism asks of it.
    var isComplete: Bool {
        switch state {
        case .done, .xoauth2: true
        case .loginName, .loginPassword, .scramFirst, .scramFinal: false
        }
    }
}
