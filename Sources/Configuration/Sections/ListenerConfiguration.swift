import Ports

/// What a listener speaks.
public enum ListenerDialect: String, Hashable, Sendable, CaseIterable {
    /// Mail between relays (RFC 5321).
    case smtp
    /// Mail from users' clients (RFC 6409).
    case submission
    /// Delivery with a reply for each recipient (RFC 2033).
    case lmtp
}

/// Whether the clients of a listener authenticate.
public enum ListenerAuthentication: String, Hashable, Sendable, CaseIterable {
    /// AUTH is not offered.
    case none
    /// AUTH is offered.
    case optional
    /// Mail is taken from accounts and relay networks only.
    case required
}

/// One place where mail comes in.
public struct ListenerConfiguration: Hashable, Sendable {
    /// Where it takes connections.
    public var address = ListenAddress.everywhere(port: 25)
    /// What it speaks.
    public var dialect = ListenerDialect.smtp
    /// When TLS is spoken.
    public var tls = ListenerTLSMode.startTLS
    /// Whether clients are asked for certificates.
    public var clientCertificates = ClientCertificateMode.none
    /// Whether clients authenticate; nil for what is usual for the dialect.
    public var authentication: ListenerAuthentication?
    /// Whether passwords are taken without TLS.
    public var plaintextAuthentication = false
    /// Networks whose connections begin with a PROXY header.
    public var proxyProtocol: [IPNetwork] = []
    /// Networks that may use XCLIENT.
    public var xclient: [IPNetwork] = []
    /// Networks that may use XFORWARD.
    public var xforward: [IPNetwork] = []
    /// Overrides `verification.mode`.
    public var verification: VerificationMode?
    /// Overrides `limits.maxMessageSize`.
    public var maxMessageSize: Int?
    /// Overrides `limits.maxRecipients`.
    public var maxRecipients: Int?
    /// Overrides `limits.maxConnections`.
    public var maxConnections: Int?
    /// Overrides `limits.maxConnectionsPerClient`.
    public var maxConnectionsPerClient: Int?
    /// Overrides `limits.maxMessagesPerConnection`.
    public var maxMessagesPerConnection: Int?
    /// Overrides `limits.idleTimeout`.
    public var idleTimeout: Duration?
    /// Rules of `policy` that are off here.
    public var rulesOff: [PolicyGroup] = []

    /// The documented defaults.
    public init() {}

    static var keys: [Key<ListenerConfiguration>] { [
        .required("address", \.address, .listenAddress,
                  "Address and port, `:PORT` for every address of the host, or `unix:PATH`.", effect: .restart),
        .value("dialect", \.dialect, .choice,
               "What is spoken: `smtp` between servers, `submission` from mail clients, `lmtp` for final delivery with a reply for each recipient.",
               effect: .restart, reference: "RFC 5321, RFC 6409, RFC 2033"),
        .value("tls", \.tls, .choice,
               "When TLS is spoken: `startTLS` where the client asks for it, `required` the same and no mail without, `implicit` from the first octet on (port 465), `none` never. Servers on the internet must not `require` it at port 25.",
               reference: "RFC 3207, RFC 8314"),
        .value("clientCertificates", \.clientCertificates, .choice,
               "Whether clients are asked for certificates, which must lead to `tls.clientAuthorities`."),
        .optional("authentication", \.authentication, .choice, otherwise: "`required` for `submission`, `none` for the others",
                  "Whether AUTH is offered: `none`, `optional`, or `required`, by which mail is taken from accounts and `relayNetworks` only.",
                  effect: .restart, reference: "RFC 4954"),
        .value("plaintextAuthentication", \.plaintextAuthentication, .flag,
               "Whether AUTH is offered without TLS, too. Passwords then travel for everybody to read: for tests, and between processes of one host.",
               effect: .restart),
        .value("proxyProtocol", \.proxyProtocol, .list(of: .network),
               "Networks of load balancers: a connection from there must begin with a PROXY header of version 1 or 2, which tells the client's address."),
        .value("xclient", \.xclient, .list(of: .network),
               "Networks of filters and front ends that may set the client's name and address with XCLIENT. Whoever is in here can pretend to be any client."),
        .value("xforward", \.xforward, .list(of: .network),
               "Networks that may tell with XFORWARD from which client they had a message: `accepted` events and log lines show it as `orig_client_address` and so on. Nothing is decided by it, and `Received` names the client that was really connected."),
        .optional("verification", \.verification, .choice, otherwise: "`verification.mode` for `smtp`, `off` for the others",
                  "Whether senders are verified here."),
        .optional("maxMessageSize", \.maxMessageSize, LimitsConfiguration.messageSize, otherwise: "`limits.maxMessageSize`",
                  "The largest message taken here."),
        .optional("maxRecipients", \.maxRecipients, LimitsConfiguration.recipients, otherwise: "`limits.maxRecipients`",
                  "Recipients of one message taken here."),
        .optional("maxConnections", \.maxConnections, LimitsConfiguration.connections, otherwise: "`limits.maxConnections`",
                  "Connections open here at once; further ones wait in the system's backlog.", effect: .restart),
        .optional("maxConnectionsPerClient", \.maxConnectionsPerClient, LimitsConfiguration.connections,
                  otherwise: "`limits.maxConnectionsPerClient`", "Connections that one client address may have open here, counted apart from those at other listeners."),
        .optional("maxMessagesPerConnection", \.maxMessagesPerConnection, .count(1...1_000_000),
                  otherwise: "`limits.maxMessagesPerConnection`", "Messages taken here over one connection."),
        .optional("idleTimeout", \.idleTimeout, .duration(.seconds(1) ... .hours(24)), otherwise: "`limits.idleTimeout`",
                  "How long a client may be silent here."),
        .value("rulesOff", \.rulesOff, .list(of: .choice), "Rules of `policy` that are off here."),
    ] }

    static var type: ValueType<ListenerConfiguration> {
        .section("listener", "", keys, initial: ListenerConfiguration()) { listener in
            "{address: \(yamlText(listener.address.description)), dialect: \(listener.dialect.rawValue)}"
        }
    }

    /// Whether clients authenticate.
    public var authenticationInForce: ListenerAuthentication { authentication ?? (dialect == .submission ? .required : .none) }

    /// `limits` with what this listener overrides.
    public func limits(over limits: LimitsConfiguration) -> LimitsConfiguration {
        var limits = limits
        limits.maxMessageSize = maxMessageSize ?? limits.maxMessageSize
        limits.maxRecipients = maxRecipients ?? limits.maxRecipients
        limits.maxConnections = maxConnections ?? limits.maxConnections
        limits.maxConnectionsPerClient = maxConnectionsPerClient ?? limits.maxConnectionsPerClient
        limits.maxMessagesPerConnection = maxMessagesPerConnection ?? limits.maxMessagesPerConnection
        limits.idleTimeout = idleTimeout ?? limits.idleTimeout
        return limits
    }
}
