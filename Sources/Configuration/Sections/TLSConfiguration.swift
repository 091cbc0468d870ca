import Ports

/// The oldest version of TLS that is spoken to clients.
public enum MinimumTLSVersion: String, Hashable, Sendable, CaseIterable {
    /// TLS 1.2 and 1.3.
    case tls12 = "1.2"
    /// TLS 1.3 alone.
    case tls13 = "1.3"
}

/// The files of a certificate.
public struct CertificateFiles: Hashable, Sendable {
    /// The chain, the server's own certificate first.
    public var chain = ""
    /// The private key.
    public var key = ""

    /// Files that are yet to be named.
    public init() {}

    static var keys: [Key<CertificateFiles>] { [
        .required("chain", \.chain, .path("file"), "The certificate with those that lead to its root, the server's own first (PEM)."),
        .required("key", \.key, .path("file"), "The private key (PEM, without a passphrase): RSA, or ECDSA with P-256 or P-384."),
    ] }

    static var type: ValueType<CertificateFiles> {
        .section("certificate", "", keys, initial: CertificateFiles()) { "{chain: \(yamlText($0.chain)), key: \(yamlText($0.key))}" }
    }
}

/// How TLS is spoken to clients.
public struct TLSConfiguration: Hashable, Sendable {
    /// The certificates.
    public var certificates: [CertificateFiles] = []
    /// A certificate that is ordered and renewed.
    public var acme: ACMEConfiguration?
    /// The oldest version.
    public var minimumVersion = MinimumTLSVersion.tls12
    /// How long a handshake may take.
    public var handshakeTimeout = Duration.seconds(30)
    /// Who certifies clients.
    public var clientAuthorities: String?
    /// Who certifies servers, instead of those the system trusts.
    public var trustedCertificates: [String] = []

    /// The documented defaults.
    public init() {}

    static var keys: [Key<TLSConfiguration>] { [
        .value("certificates", \.certificates, .list(of: CertificateFiles.type, count: 0...1000),
               "The certificates. Each client gets the one for the name that it asks for (SNI), an ECDSA certificate before an RSA one where it can use both; the first is for clients that ask for no name. The files are read again at each reload, without a connection being dropped. Without any, Baton makes one for `hostname` and keeps it in `spool.directory`.",
               example: """
               # - chain: /etc/letsencrypt/live/mail.example.org/fullchain.pem
               #   key: /etc/letsencrypt/live/mail.example.org/privkey.pem
               """),
        .optional("acme", \.acme, ACMEConfiguration.type, "A certificate that Baton orders from an ACME server such as Let's Encrypt and renews, beside those in `certificates`.",
                  effect: .restart, reference: "RFC 8555"),
        .value("minimumVersion", \.minimumVersion, .choice, "The oldest version of TLS that is spoken to clients.", reference: "RFC 9325 §3.1.1"),
        .value("handshakeTimeout", \.handshakeTimeout, .duration(.seconds(1) ... .minutes(5)), "How long a client's handshake may take."),
        .optional("clientAuthorities", \.clientAuthorities, .path("file"),
                  "The authorities that clients' certificates must lead to (PEM), for listeners with `clientCertificates`."),
        .value("trustedCertificates", \.trustedCertificates, .list(of: .path("file"), count: 0...16),
               "Files of authorities (PEM) that the certificates of other mail servers are checked by, instead of those that the system trusts."),
    ] }
}

/// When a listener speaks TLS.
public enum ListenerTLSMode: String, Hashable, Sendable, CaseIterable {
    /// Never.
    case none
    /// When the client says STARTTLS (RFC 3207).
    case startTLS
    /// When the client says STARTTLS, without which no mail is taken.
    case required
    /// From the first octet on (RFC 8314 §3.3).
    case implicit
}

/// Whether clients are asked for certificates.
public enum ClientCertificateMode: String, Hashable, Sendable, CaseIterable {
    /// They are not.
    case none
    /// They are, and may have none.
    case requested
    /// They are, and must have one.
    case required
}

/// How connections of a route are protected.
public struct RouteTLS: Hashable, Sendable {
    /// What is asked for.
    public enum Level: String, Hashable, Sendable, CaseIterable {
        /// In the clear.
        case none
        /// TLS where it works.
        case opportunistic
        /// TLS, with any certificate.
        case encrypt
        /// TLS, with a certificate that leads to a trusted root and is for the host.
        case verify
    }

    /// What is asked for.
    public var level = Level.opportunistic
    /// Whether TLS begins with the connection; nil for the hosts at port 465 only.
    public var implicit: Bool?

    /// Opportunistic STARTTLS.
    public init(level: Level = .opportunistic, implicit: Bool? = nil) {
        self.level = level
        self.implicit = implicit
    }
}
