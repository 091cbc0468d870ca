import Ports
import Sockets

/// How an ACME server is shown that a name is ours (RFC 8555 §8).
public enum ACMEChallengeKind: String, Hashable, Sendable, CaseIterable {
    /// A document at port 80 of the name (RFC 8555 §8.3).
    case http = "http-01"
    /// A certificate at port 443 of the name (RFC 8737).
    case tlsALPN = "tls-alpn-01"
    /// A record in the DNS (RFC 8555 §8.4).
    case dns = "dns-01"
}

/// What certificate is ordered, from whom, and when.
public struct ACMESettings: Hashable, Sendable {
    /// The directory of the ACME server (RFC 8555 §7.1.1).
    public var directory: HTTPURL
    /// The names that the certificate is for.
    public var names: [String]
    /// Whom the server may write to: `mailto:` URLs (RFC 8555 §7.3).
    public var contacts: [String] = []
    /// How the names are shown to be ours.
    public var challenge = ACMEChallengeKind.http
    /// How long before its end a certificate is renewed.
    public var renewBefore = Duration.days(30)
    /// How often the state of an order is asked for, unless the server says otherwise.
    public var pollInterval = Duration.seconds(3)
    /// How long an order may take in all.
    public var orderTimeout = Duration.minutes(10)
    /// The wait after the first order that failed; doubled after each further one.
    public var retryDelay = Duration.hours(1)
    /// The longest wait after an order that failed.
    public var maxRetryDelay = Duration.days(1)

    /// The documented defaults.
    public init(directory: HTTPURL, names: [String]) {
        self.directory = directory
        self.names = names
    }
}

/// Why no certificate came of an order.
public enum ACMEError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The server could not be spoken to.
    case network(HTTPClientError)
    /// The server refused, with the type and words of RFC 8555 §6.7.
    case problem(type: String, detail: String, retryAfter: Duration?)
    /// What the server said is not what RFC 8555 has it say.
    case malformed(String)
    /// A name could not be shown to be ours.
    case challenge(name: String, String)
    /// The order took too long.
    case timedOut
    /// Something on this side failed.
    case local(String)

    /// The error in words; those of the server are cut and cleaned.
    public var description: String {
        switch self {
        case .network(let error): "the ACME server cannot be spoken to: \(error)"
        case .problem(let type, let detail, _): "the ACME server refused: \(type): \(detail)"
        case .malformed(let what): "the ACME server gave no \(what)"
        case .challenge(let name, let why): "\(name) could not be shown to be ours: \(why)"
        case .timedOut: "the order took too long"
        case .local(let why): why
        }
    }
}

/// Sends HTTP requests; in production an `HTTPClient`.
public protocol HTTPSending: Sendable {
    /// Sends `request`; completes once, on `loop`.
    func send(_ request: HTTPRequest, on loop: any Loop,
              completion: @escaping @Sendable (Result<HTTPResponse, HTTPClientError>) -> Void)
}

extension HTTPClient: HTTPSending {}
