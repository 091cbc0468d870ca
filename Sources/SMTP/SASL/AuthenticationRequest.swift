/// What a server session wants its host to find out about a client.
public enum AuthenticationRequest: Hashable, Sendable {
    /// Is this the password of the account of that name?
    case password(name: String, Secret)
    /// With which salt and keys is the account of that name proved? (RFC 5802 §3)
    case keys(name: String)
    /// The proof against those keys was right or wrong: may the account be used?
    case proof(name: String, isValid: Bool)
    /// Does this token of an OAuth 2.0 service stand for an account, of that name where one is given?
    case token(name: String?, Secret)
    /// Which account does the TLS certificate of the client stand for, of that name where one is given?
    case certificate(name: String?)
    /// The client begins an exchange that the host leads itself.
    case begin(mechanism: String, initialResponse: Secret?)
    /// The client's next message in an exchange that the host leads itself.
    case response(Secret)

    /// The name of the account, where the client gave one.
    public var name: String? {
        switch self {
        case .password(let name, _), .keys(let name), .proof(let name, _): name
        case .token(let name, _), .certificate(let name): name
        case .begin, .response: nil
        }
    }
}

/// What the host found out.
public enum AuthenticationAnswer: Hashable, Sendable {
    /// The client is this account.
    case accepted(AuthenticatedAccount)
    /// The client is not who it says; why is nobody's business.
    case refused
    /// It cannot be found out now.
    case unavailable
    /// The salt and keys of the account, real or made up, and the server's part of the nonce.
    case keys(SCRAMKeys, nonce: [UInt8])
    /// The next message to the client, in an exchange that the host leads.
    case challenge([UInt8])
    /// Enough of it: the connection ends with this reply.
    case close(Reply)
}

/// An account that a client has proved to be.
public struct AuthenticatedAccount: Hashable, Sendable {
    /// The name of the account.
    public var name: String
    /// The addresses that it may send from.
    public var senders: SenderPatterns
    /// The label of the app password that was used; nil for the account's own.
    public var appPassword: String?

    /// An account with the addresses that it may send from.
    public init(name: String, senders: SenderPatterns, appPassword: String? = nil) {
        self.name = name
        self.senders = senders
        self.appPassword = appPassword
    }
}

/// One step of authentication that a host is asked for, with all that it may be judged by.
public struct AuthenticationAttempt: Sendable {
    /// The step.
    public var request: AuthenticationRequest
    /// The client.
    public var client: ClientIdentity
    /// The name of the listener.
    public var listener: String
    /// Whether the client is under TLS.
    public var isTLS: Bool
    /// The number of the exchange; one number serves all steps of an exchange and no other exchange.
    public var exchange: UInt64

    /// A step of the exchange of that number.
    public init(_ request: AuthenticationRequest, client: ClientIdentity, listener: String, isTLS: Bool, exchange: UInt64) {
        self.request = request
        self.client = client
        self.listener = listener
        self.isTLS = isTLS
        self.exchange = exchange
    }
}
