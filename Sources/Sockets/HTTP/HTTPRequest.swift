/// One request of an `HTTPClient`.
public struct HTTPRequest: Hashable, Sendable {
    /// A header field.
    public struct Field: Hashable, Sendable {
        /// Its name.
        public var name: String
        /// Its value.
        public var value: String

        /// A field.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// `GET`, `POST`, `HEAD`.
    public var method: String
    /// Where to.
    public var url: HTTPURL
    /// Fields besides Host, Content-Length, Connection and User-Agent, which the client sets.
    public var fields: [Field]
    /// The content.
    public var body: [UInt8]
    /// The largest content of a response that is taken; a larger one is an error.
    public var maxResponseOctets: Int
    /// How long all of it may take, from the lookup of the host to the last octet.
    public var timeout: Duration

    /// A request.
    public init(_ method: String, _ url: HTTPURL, fields: [Field] = [], body: [UInt8] = [],
                maxResponseOctets: Int = 64 * 1024, timeout: Duration = .seconds(60)) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
        self.maxResponseOctets = maxResponseOctets
        self.timeout = timeout
    }
}

/// The response to an `HTTPRequest`; redirections are responses like any other and never followed.
public struct HTTPResponse: Hashable, Sendable {
    /// The status code (RFC 9110 §15).
    public var status: Int
    /// The header fields in their order.
    public var fields: [HTTPRequest.Field]
    /// The content.
    public var body: [UInt8]

    /// A response.
    public init(status: Int, fields: [HTTPRequest.Field] = [], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// The value of the first field of this name, in any case.
    public func field(_ name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Why there is no response.
public enum HTTPClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The host has no address, or the DNS has no answer.
    case unresolved(String)
    /// All addresses of the host are of a kind that this client does not go to.
    case forbiddenAddress(String)
    /// No connection to any address.
    case unreachable(String)
    /// The server's certificate does not prove that it is the host.
    case certificate(String)
    /// The TLS handshake failed for another reason.
    case handshake(String)
    /// The time was over.
    case timedOut
    /// The response is larger than the request allows.
    case tooLarge
    /// What came is no HTTP, or ended early.
    case malformed(String)

    /// For people; what the server sent is not in it.
    public var description: String {
        switch self {
        case .unresolved(let host): "the host \(host) cannot be resolved"
        case .forbiddenAddress(let host): "the addresses of \(host) are private or reserved"
        case .unreachable(let reason): "no connection: \(reason)"
        case .certificate(let reason): "the certificate is not valid: \(reason)"
        case .handshake(let reason): "the TLS handshake failed: \(reason)"
        case .timedOut: "no complete response in time"
        case .tooLarge: "the response is too large"
        case .malformed(let reason): "the response is malformed: \(reason)"
        }
    }
}
