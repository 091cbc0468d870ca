/// Who this host is to the servers of a route.
public struct CredentialsConfiguration: Hashable, Sendable {
    /// The route, which leads to smart hosts.
    public var route = ""
    /// Reverse-paths that these credentials are for; empty for all.
    public var senders: [AddressPattern] = []
    /// The name of the account there.
    public var account = ""
    /// A file with the secret in its first line.
    public var passwordFile: String?
    /// A variable of the environment that holds the secret.
    public var passwordVariable: String?
    /// Whether the secret is an access token.
    public var token = false
    /// Whether the secret is sent in the clear, too.
    public var withoutTLS = false

    /// Credentials to be filled in.
    public init() {}

    static var fields: [Key<CredentialsConfiguration>] { [
        .required("route", \.route, .routeName, "The route, of type `smarthost`."),
        .value("senders", \.senders, .list(of: .addressPattern), "Reverse-paths that these credentials are for; without any, all. The first entry that fits counts."),
        .required("account", \.account, .text(maxOctets: 255), "The name of the account at the smart host."),
        .optional("passwordFile", \.passwordFile, .path("file"), "A file whose first line is the secret, read at the start and at every reload."),
        .optional("passwordVariable", \.passwordVariable, .text(maxOctets: 255), "A variable of the daemon's environment that holds the secret, instead of a file."),
        .value("token", \.token, .flag, "Whether the secret is an access token: XOAUTH2 instead of SCRAM-SHA-256, PLAIN and LOGIN.", reference: "RFC 4954"),
        .value("withoutTLS", \.withoutTLS, .flag, "Whether the secret is sent in the clear where there is no TLS: for tests, and between processes of one host."),
    ] }

    static var type: ValueType<CredentialsConfiguration> {
        .section("credentials", "", fields, initial: CredentialsConfiguration(), text: { credentials in
            "{route: \(yamlText(credentials.route)), account: \(yamlText(credentials.account))}"
        }, verify: { credentials, path, check in
            if (credentials.passwordFile == nil) == (credentials.passwordVariable == nil) {
                check.report(path, "credentials need either passwordFile or passwordVariable")
            }
        })
    }
}
