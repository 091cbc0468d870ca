import Ports

/// Who is at the other end, as far as it is known; XCLIENT and PROXY can change it.
public struct ClientIdentity: Hashable, Sendable {
    /// Where the client is.
    public var endpoint: SocketEndpoint
    /// Where the server was reached.
    public var localEndpoint: SocketEndpoint
    /// The client's host name by DNS, verified; nil when unknown.
    public var name: String?
    /// Who the client is by its credentials; nil without.
    public var login: String?
    /// The names in the client's TLS certificate, where it has one that is trusted: as they stand there.
    public var certifiedNames: [String] = []

    /// A client known by its endpoints.
    public init(endpoint: SocketEndpoint, localEndpoint: SocketEndpoint, name: String? = nil, login: String? = nil) {
        self.endpoint = endpoint
        self.localEndpoint = localEndpoint
        self.name = name
        self.login = login
    }

    /// The client's IP address; nil on a Unix socket.
    public var address: IPAddress? {
        if case .ip(let address, _) = endpoint { address.unmapped } else { nil }
    }
}

/// Where a message came from before this hop: what XFORWARD told (Postfix's XFORWARD_README).
public struct ForwardedIdentity: Hashable, Sendable {
    /// The attributes in the order they came; later ones replace earlier ones of the same name.
    public private(set) var attributes: [ClientAttribute] = []

    /// Nothing told.
    public init() {}

    /// The value of `name`; nil when unknown or not told.
    public subscript(name: ClientAttribute.Name) -> String? { attributes.last { $0.name == name }?.value }

    /// Adds or replaces attributes.
    mutating func merge(_ new: [ClientAttribute]) {
        for attribute in new {
            attributes.removeAll { $0.name == attribute.name }
            attributes.append(attribute)
        }
    }
}
