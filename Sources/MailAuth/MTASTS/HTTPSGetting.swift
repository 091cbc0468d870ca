import Ports

/// One `GET` under TLS to the standard port of a host, for what records and policies point to.
///
/// Redirections are not followed, private and reserved addresses are not gone to, and the certificate
/// must be valid for the host by the authorities that this system trusts (RFC 8461 §3.3).
public protocol HTTPSGetting: AnyObject, Sendable {
    /// Gets `path` from `host`; `completion` is called once, on `loop`.
    func get(host: String, path: String, maxOctets: Int, timeout: Duration, on loop: any Loop,
             completion: @escaping @Sendable (Result<HTTPSDocument, HTTPSFailure>) -> Void)
}

/// What a server answers, whatever its status.
public struct HTTPSDocument: Hashable, Sendable {
    /// The status code.
    public var status: Int
    /// The value of Content-Type.
    public var contentType: String?
    /// The content.
    public var body: [UInt8]

    /// A document.
    public init(status: Int, contentType: String?, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

/// Why there is no answer.
public struct HTTPSFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Whether it is the server's certificate.
    public var isCertificate: Bool
    /// The reason, for people.
    public var description: String

    /// A failure.
    public init(isCertificate: Bool, _ description: String) {
        self.isCertificate = isCertificate
        self.description = description
    }
}
