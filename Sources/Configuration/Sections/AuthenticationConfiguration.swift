import Ports

/// Mechanisms that can be offered for passwords.
public enum PasswordMechanism: String, Hashable, Sendable, CaseIterable {
    /// A proof that does not tell the password (RFC 7677).
    case scramSHA256 = "SCRAM-SHA-256"
    /// Name and password in one message (RFC 4616).
    case plain = "PLAIN"
    /// Name and password in two messages.
    case login = "LOGIN"
}

/// What becomes of mail from an address that is not the account's.
public enum SenderCheckChoice: String, Hashable, Sendable, CaseIterable {
    case enforce, log, off
}

/// Who may submit mail, and how they prove who they are.
public struct AuthenticationConfiguration: Hashable, Sendable {
    /// The database of accounts; nil for `accounts.sqlite` in the spool.
    public var database: String?
    /// A file of names and hashes.
    public var passwordFile: String?
    /// The socket of Dovecot's authentication server, which then is asked instead of everything else.
    public var dovecotSocket: String?
    /// Who issues tokens that stand for accounts.
    public var issuers: [IssuerConfiguration] = []
    /// The mechanisms for passwords.
    public var mechanisms: [PasswordMechanism] = [.scramSHA256, .plain, .login]
    /// What becomes of a reverse-path that the account may not use.
    public var reversePath = SenderCheckChoice.enforce
    /// What becomes of an address in From that the account may not use.
    public var author = SenderCheckChoice.enforce
    /// Whether the trace field of submitted mail hides where its author sits.
    public var hidesClient = false
    /// Failures after which the connection is closed.
    public var maxFailures = 3
    /// How late a failure is answered.
    public var failureDelay = Duration.seconds(1)
    /// The time that failures are counted over.
    public var failureWindow = Duration.minutes(10)
    /// Failures of one client in that time.
    public var maxFailuresPerClient = 20
    /// Failures with one name in that time.
    public var maxFailuresPerName = 100
    /// How long a right password is known to be right.
    public var cacheLifetime = Duration.minutes(1)
    /// Threads that hash passwords.
    public var threads = 2
    /// Clients that may wait for them.
    public var maxWaiting = 256

    /// The documented defaults.
    public init() {}

    static var keys: [Key<AuthenticationConfiguration>] { [
        .optional("database", \.database, .path("file"), otherwise: "`accounts.sqlite` in `spool.directory`",
                  "The database of accounts, which `baton account` keeps.", effect: .restart),
        .optional("passwordFile", \.passwordFile, .path("file"),
                  "A file of `name:{SCHEME}hash` lines, looked into after the database and read again when it changes.", effect: .restart),
        .optional("dovecotSocket", \.dovecotSocket, .path("socket path"),
                  "The socket of Dovecot's authentication server. With it, Dovecot alone decides who a client is.", effect: .restart),
        .value("issuers", \.issuers, .list(of: IssuerConfiguration.type, count: 0...100),
               "OAuth 2.0 services whose tokens stand for accounts: OAUTHBEARER and XOAUTH2 are offered.", effect: .restart,
               reference: "RFC 7628, RFC 9068"),
        .value("mechanisms", \.mechanisms, .list(of: .choice, count: 1...3), "The mechanisms for passwords, best first.", reference: "RFC 4954"),
        .value("reversePath", \.reversePath, .choice,
               "What becomes of MAIL FROM an address that the account may not use: `enforce` refuses it, `log` notes it, `off` does not look."),
        .value("author", \.author, .choice, "The same for the addresses in the header field From."),
        .value("hidesClient", \.hidesClient, .flag, "Whether the Received field of mail from accounts leaves out the client's name and address."),
        .value("maxFailures", \.maxFailures, .count(1...100), "Failures in one connection, after which it is closed with 421."),
        .value("failureDelay", \.failureDelay, .duration(.zero ... .minutes(1)), "How late a failure is answered."),
        .value("failureWindow", \.failureWindow, .duration(.seconds(1) ... .hours(24)), "The time that failures are counted over.", effect: .restart),
        .value("maxFailuresPerClient", \.maxFailuresPerClient, .count(1...1_000_000),
               "Failures of one client address (IPv6: /64) in that time, after which its tries are refused.", effect: .restart),
        .value("maxFailuresPerName", \.maxFailuresPerName, .count(1...1_000_000),
               "Failures with one name in that time, after which only clients that have been in before may try it.", effect: .restart),
        .value("cacheLifetime", \.cacheLifetime, .duration(.zero ... .hours(1)),
               "How long a password that was right is known to be right without another slow hash; `0s` for not at all.", effect: .restart),
        .value("threads", \.threads, .count(1...64), "Threads that hash passwords.", effect: .restart),
        .value("maxWaiting", \.maxWaiting, .count(1...100_000), "Clients that may wait for them; further ones get 454 4.7.0.", effect: .restart),
    ] }
}

/// A service whose tokens stand for accounts.
public struct IssuerConfiguration: Hashable, Sendable {
    /// The claims that can name an account.
    public enum NameClaim: String, Hashable, Sendable, CaseIterable {
        case sub, email, preferred_username
    }

    /// The `iss` of its tokens.
    public var issuer = ""
    /// The `aud` of its tokens.
    public var audience = ""
    /// A file or URL with its keys.
    public var keys = ""
    /// The claim that names the account.
    public var account = NameClaim.email
    /// The scope that a token must have.
    public var scope: String?
    /// Whether the host of the keys may have a private address.
    public var privateAddresses = false

    /// An issuer to be filled in.
    public init() {}

    /// Whether `keys` is a URL.
    public var fetchesKeys: Bool { keys.hasPrefix("https://") }

    static var fields: [Key<IssuerConfiguration>] { [
        .required("issuer", \.issuer, .text(maxOctets: 1024), "The `iss` that its tokens must have.", effect: .restart, reference: "RFC 7519 §4.1.1"),
        .required("audience", \.audience, .text(maxOctets: 1024), "The `aud` that its tokens must have.", effect: .restart, reference: "RFC 7519 §4.1.3"),
        .required("keys", \.keys, .text(maxOctets: 2048), "Its keys: a file, or an `https` URL that is fetched again every hour, and when a token is signed with a key that is not known. The host is checked by the authorities that the system trusts, or by `tls.trustedCertificates`.", effect: .restart, reference: "RFC 7517 §5"),
        .value("account", \.account, .choice, "The claim that names the account: `email`, `sub` or `preferred_username`.",
               effect: .restart),
        .optional("scope", \.scope, .text(maxOctets: 256), "The scope that a token must have.", effect: .restart),
        .value("privateAddresses", \.privateAddresses, .flag,
               "Whether the host of the keys may have a loopback, private or other reserved address.", effect: .restart),
    ] }

    static var type: ValueType<IssuerConfiguration> {
        .section("issuer", "", fields, initial: IssuerConfiguration(), text: { issuer in
            "{issuer: \(yamlText(issuer.issuer)), audience: \(yamlText(issuer.audience)), keys: \(yamlText(issuer.keys)), account: \(issuer.account.rawValue)}"
        }, verify: { issuer, path, check in
            if !issuer.fetchesKeys, !issuer.keys.hasPrefix("/") {
                check.report("\(path).keys", "expected the absolute path of a file or an https URL")
            }
        })
    }
}
