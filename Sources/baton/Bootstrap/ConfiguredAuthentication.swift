import Accounts
import Configuration
import DNS
import Glibc
import Ports
import Receiving
import SMTP
import Sockets

/// Who knows the accounts, as the configuration has it.
final class AccountKeeper: Sendable {
    /// Finds out who clients are.
    let authenticator: any Authenticator
    private let close: @Sendable () -> Void

    private init(_ authenticator: any Authenticator, close: @escaping @Sendable () -> Void) {
        self.authenticator = authenticator
        self.close = close
    }

    /// Opens what the configuration names; nil when no listener offers AUTH.
    static func open(_ configuration: BatonConfiguration, resolver: any Resolver, loop: any Loop) throws -> AccountKeeper? {
        guard configuration.listeners.contains(where: { $0.authenticationInForce != .none }) else { return nil }
        let settings = configuration.authentication
        if let socket = settings.dovecotSocket {
            let dovecot = DovecotAuthenticator(socket: socket, processID: getpid(), dialer: NIODialer(), loop: loop,
                                               throttle: configuration.throttleSettings)
            return AccountKeeper(dovecot) { dovecot.shutDown() }
        }
        let database = try AccountDatabase(path: configuration.accountDatabase)
        let tokens = settings.issuers.isEmpty ? nil
            : TokenVerifier(issuers: settings.issuers.map(TokenIssuer.init), source: try keySetSource(configuration, resolver: resolver, loop: loop))
        let accounts = try AccountAuthenticator(
            database: database, file: settings.passwordFile.map { path throws(AccountError) in try PasswordFile(path: path) }, tokens: tokens,
            settings: configuration.authenticatorSettings)
        return AccountKeeper(accounts) {
            accounts.shutDown()
            // The process ends: what SQLite could not tidy up it does at the next start.
            try? database.close()
        }
    }

    /// Ends its threads and closes its files.
    func shutDown() { close() }

    /// Reads key sets from files and over HTTPS.
    private static func keySetSource(_ configuration: BatonConfiguration, resolver: any Resolver, loop: any Loop) throws -> KeySetSource {
        func makeClient(allowsPrivateAddresses: Bool) throws -> HTTPClient {
            var settings = HTTPClientSettings()
            settings.trustedCertificateFiles = configuration.tls.trustedCertificates
            settings.allowsPrivateAddresses = allowsPrivateAddresses
            return try HTTPClient(settings: settings) { host, loop, completion in
                resolver.resolve(host, .a, on: loop) { answer in
                    if !answer.addresses.isEmpty { return completion(answer.addresses) }
                    resolver.resolve(host, .aaaa, on: loop) { completion($0.addresses) }
                }
            }
        }
        let outside = try makeClient(allowsPrivateAddresses: false), inside = try makeClient(allowsPrivateAddresses: true)
        return KeySetSource { issuer, completion in
            switch issuer.keys {
            case .file(let path): completion(readFile(path, maxOctets: maxKeySetOctets))
            case .url(let text):
                guard let url = HTTPURL(text) else { return completion(nil) }
                let request = HTTPRequest("GET", url, maxResponseOctets: maxKeySetOctets, timeout: .seconds(10))
                loop.run {
                    (issuer.allowsPrivateAddresses ? inside : outside).send(request, on: loop) { result in
                        guard case .success(let response) = result, response.status == 200 else { return completion(nil) }
                        completion(response.body)
                    }
                }
            }
        }
    }

    private static let maxKeySetOctets = 1 << 20

    private static func readFile(_ path: String, maxOctets: Int) -> [UInt8]? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: maxOctets + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        return count > 0 && count <= maxOctets ? Array(bytes[..<count]) : nil
    }
}

extension TokenIssuer {
    /// An issuer of the configuration.
    init(_ issuer: IssuerConfiguration) {
        let claim: NameClaim = switch issuer.account {
        case .sub: .subject
        case .email: .email
        case .preferred_username: .preferredUsername
        }
        self.init(issuer: issuer.issuer, audience: issuer.audience, keys: issuer.fetchesKeys ? .url(issuer.keys) : .file(issuer.keys),
                  nameClaim: claim, scope: issuer.scope)
        allowsPrivateAddresses = issuer.privateAddresses
    }
}

extension BatonConfiguration {
    /// How many failures of authentication are borne.
    var throttleSettings: ThrottleSettings {
        var settings = ThrottleSettings()
        settings.window = authentication.failureWindow
        settings.maxFailuresPerClient = authentication.maxFailuresPerClient
        settings.maxFailuresPerName = authentication.maxFailuresPerName
        return settings
    }

    /// How clients are authenticated.
    var authenticatorSettings: AuthenticatorSettings {
        var settings = AuthenticatorSettings()
        settings.threads = authentication.threads
        settings.maxWaiting = authentication.maxWaiting
        settings.cacheLifetime = authentication.cacheLifetime
        settings.throttle = throttleSettings
        return settings
    }

    /// How the clients of `listener` authenticate; nil when they cannot.
    func authenticationSettings(of listener: ListenerConfiguration) -> AuthenticationSettings? {
        guard listener.authenticationInForce != .none else { return nil }
        var settings = AuthenticationSettings()
        settings.mechanisms = authentication.mechanisms.compactMap { SASLMechanism(rawValue: $0.rawValue) }
        if !authentication.issuers.isEmpty { settings.mechanisms += [.oauthBearer, .xoauth2] }
        settings.mechanisms.append(.external)
        settings.lead = authentication.dovecotSocket == nil ? .session : .host
        settings.protection = listener.plaintextAuthentication ? .optional : .required
        settings.use = listener.authenticationInForce == .required ? .required : .optional
        settings.maxFailures = authentication.maxFailures
        settings.failureDelay = authentication.failureDelay
        return settings
    }

    /// What accounts may do at `listener`; nil when there are none.
    func submissionRules(of listener: ListenerConfiguration, _ keeper: AccountKeeper?) -> SubmissionRules? {
        guard let keeper, listener.authenticationInForce != .none else { return nil }
        var rules = SubmissionRules(authenticator: keeper.authenticator)
        rules.reversePath = SubmissionRules.SenderCheck(authentication.reversePath)
        rules.author = SubmissionRules.SenderCheck(authentication.author)
        return rules
    }
}

extension SubmissionRules.SenderCheck {
    init(_ choice: SenderCheckChoice) {
        self = switch choice {
        case .enforce: .enforce
        case .log: .log
        case .off: .off
        }
    }
}
