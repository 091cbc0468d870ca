/// How the clients of a listener prove who they are (RFC 4954).
public struct AuthenticationSettings: Hashable, Sendable {
    /// Who leads the exchanges.
    public enum Lead: Hashable, Sendable {
        /// The session itself; the host is asked for names and passwords.
        case session
        /// The host, which gets every response of the client.
        case host
    }

    /// Where credentials may travel.
    public enum Protection: Hashable, Sendable {
        /// Under TLS only.
        case required
        /// In the clear, too: for tests, and for hosts that are one machine.
        case optional
    }

    /// Whether mail is taken from clients that did not authenticate.
    public enum Use: Hashable, Sendable {
        /// It is.
        case optional
        /// It is refused with 530.
        case required
    }

    /// The mechanisms offered, in the order of preference; EXTERNAL only to clients with a certificate.
    public var mechanisms: [SASLMechanism] = [.scramSHA256, .plain, .login]
    /// Who leads the exchanges.
    public var lead = Lead.session
    /// Where credentials may travel.
    public var protection = Protection.required
    /// Whether mail is taken from clients that did not authenticate.
    public var use = Use.optional
    /// Failures after which the connection is closed.
    public var maxFailures = 3
    /// How late a failure is answered.
    public var failureDelay = Duration.seconds(1)
    /// The longest response, in octets of base64 (RFC 4954 §4).
    public var maxResponse = 12288

    /// The defaults for a listener that offers AUTH.
    public init() {}
}
