import Cryptography
import Ports
import SMTP
import Synchronization

/// Finds out who clients are from Baton's own accounts, a password file and tokens.
///
/// Names and passwords are looked at on threads of its own. A name that does not exist takes as long
/// as a wrong password, and gets the same answer.
public final class AccountAuthenticator: Authenticator {
    private let sources: [any CredentialSource]
    private let tokens: TokenVerifier?
    private let settings: AuthenticatorSettings
    private let cost: PasswordCost
    private let secrets: SecretSource
    private let cache: VerificationCache
    private let threads: AccountThreads
    private let throttle: Mutex<FailureThrottle>
    /// What the salts of names that do not exist are made from.
    private let decoySecret: [UInt8]
    /// What the passwords of names that do not exist are compared with.
    private let decoy: PasswordHash

    /// An authenticator that looks into `database`, then into `file`, and takes the tokens that `tokens` verifies.
    public init(database: AccountDatabase?, file: PasswordFile? = nil, tokens: TokenVerifier? = nil,
                settings: AuthenticatorSettings = AuthenticatorSettings(), cost: PasswordCost = .standard,
                secrets: SecretSource = .system) throws(AccountError) {
        var sources: [any CredentialSource] = []
        if let database { sources.append(database) }
        if let file { sources.append(file) }
        self.sources = sources
        self.tokens = tokens
        self.settings = settings
        self.cost = cost
        self.secrets = secrets
        cache = VerificationCache(lifetime: settings.cacheLifetime, entriesMax: settings.maxCached, secrets: secrets)
        threads = AccountThreads(count: settings.threads, jobsMax: settings.maxWaiting)
        throttle = Mutex(FailureThrottle(settings.throttle))
        if let database { decoySecret = try database.secret() } else { decoySecret = secrets.octets(32) }
        do { decoy = try PasswordHash.make(Secret(secrets.octets(16)), cost: cost, secrets: secrets) } catch { throw .hashing }
    }

    /// Ends the threads; what waits is never answered.
    public func shutDown() { threads.shutDown() }

    public func authenticate(_ attempt: AuthenticationAttempt, on loop: any Loop,
                             completion: @escaping @Sendable (AuthenticationAnswer) -> Void) {
        let now = loop.now
        let address = attempt.client.address
        let name = attempt.request.name
        guard throttle.withLock({ $0.admits(address, name, at: now) }) else {
            return loop.execute { completion(.close(.tooManyAuthenticationFailures)) }
        }
        let finish: @Sendable (AuthenticationAnswer) -> Void = { [self] answer in
            note(answer, attempt, at: now)
            loop.execute { completion(answer) }
        }
        if case .token(let name, let token) = attempt.request {
            guard let tokens else { return finish(.refused) }
            return tokens.verify(token, at: now) { [self] subject in takeToken(subject, name, finish) }
        }
        let isTaken = threads.submit { [self] in finish(answer(to: attempt.request, of: attempt.client, at: now)) }
        if !isTaken { loop.execute { completion(.unavailable) } }
    }

    public func abandon(_ exchange: UInt64) {}

    private func note(_ answer: AuthenticationAnswer, _ attempt: AuthenticationAttempt, at now: Timestamp) {
        switch answer {
        case .refused: throttle.withLock { $0.noteFailure(attempt.client.address, attempt.request.name, at: now) }
        case .accepted(let account): throttle.withLock { $0.noteSuccess(attempt.client.address, account.name, at: now) }
        case .unavailable, .keys, .challenge, .close: break
        }
    }

    /// A token stands for an account by its name; what else is known of it is in the sources.
    private func takeToken(_ verdict: TokenVerifier.Verdict, _ name: String?, _ finish: @escaping @Sendable (AuthenticationAnswer) -> Void) {
        switch verdict {
        case .unavailable: finish(.unavailable)
        case .invalid: finish(.refused)
        case .valid(let subject):
            guard name == nil || name == subject.description else { return finish(.refused) }
            let isTaken = threads.submit { [self] in
                do {
                    guard let credentials = try credentials(of: subject) else {
                        return finish(.accepted(AuthenticatedAccount(name: subject.description,
                                                                     senders: SenderPatterns(accountNamed: subject.description))))
                    }
                    finish(credentials.isDisabled ? .refused : .accepted(account(credentials)))
                } catch { finish(.unavailable) }
            }
            if !isTaken { finish(.unavailable) }
        }
    }
}

// MARK: - On the threads

extension AccountAuthenticator {
    /// Answers a question that needs the sources.
    func answer(to request: AuthenticationRequest, of client: ClientIdentity, at now: Timestamp) -> AuthenticationAnswer {
        do {
            switch request {
            case .password(let name, let password): return try check(password, of: name, at: now)
            case .keys(let name): return try keys(of: name)
            case .proof(let name, let isValid):
                guard isValid, let credentials = try credentials(named: name), !credentials.isDisabled else { return .refused }
                noteUse(credentials, nil, at: now)
                return .accepted(account(credentials))
            case .certificate(let wanted):
                // What the client says of itself picks among what its certificate says, and adds nothing.
                guard let name = wanted ?? client.certifiedNames.first, client.certifiedNames.contains(name), let credentials = try credentials(named: name), !credentials.isDisabled else { return .refused }
                noteUse(credentials, nil, at: now)
                return .accepted(account(credentials))
            case .token, .begin, .response: return .refused
            }
        } catch {
            return .unavailable
        }
    }

    private func credentials(named text: String) throws(AccountError) -> StoredCredentials? {
        guard let name = AccountName(text) else { return nil }
        return try credentials(of: name)
    }

    private func credentials(of name: AccountName) throws(AccountError) -> StoredCredentials? {
        for source in sources {
            if let credentials = try source.credentials(of: name) { return credentials }
        }
        return nil
    }

    private func account(_ credentials: StoredCredentials, appPassword: String? = nil) -> AuthenticatedAccount {
        AuthenticatedAccount(name: credentials.name.description, senders: credentials.senders, appPassword: appPassword)
    }

    private func check(_ password: Secret, of name: String, at now: Timestamp) throws(AccountError) -> AuthenticationAnswer {
        guard let credentials = try credentials(named: name) else {
            _ = decoy.matches(password)
            return .refused
        }
        if let used = credentials.appPasswords.first(where: { $0.hash.matches(password) }), used.isUsable(at: now), !credentials.isDisabled {
            noteUse(credentials, used, at: now)
            return .accepted(account(credentials, appPassword: used.appPassword.label))
        }
        let hash = credentials.password ?? decoy
        let isCached = !credentials.isDisabled && cache.holds(password, of: credentials.name, against: hash, at: now)
        let isRight = isCached || hash.matches(password)
        guard isRight, credentials.password != nil, !credentials.isDisabled else {
            // A hash of another cost would tell a name that exists from one that does not.
            if !hash.costs(cost) { _ = decoy.matches(password) }
            return .refused
        }
        if !isCached { cache.insert(password, of: credentials.name, against: hash, at: now) }
        noteUse(credentials, nil, at: now)
        return .accepted(account(credentials))
    }

    /// The keys of an account; for a name that does not exist, made up and always the same.
    private func keys(of name: String) throws(AccountError) -> AuthenticationAnswer {
        let nonce = SASLBase64.encode(secrets.octets(18))
        if let keys = try credentials(named: name)?.keys { return .keys(keys, nonce: nonce) }
        let seed = HMAC.code(of: Array(name.utf8), key: decoySecret, with: .sha256)
        let keys = SCRAMKeys(salt: Array(seed[..<16]), iterations: cost.scramIterations, storedKey: secrets.octets(32), serverKey: secrets.octets(32))
        return .keys(keys, nonce: nonce)
    }

    /// Notes the use, to the hour: a write for each message would be the slowest part of it.
    private func noteUse(_ credentials: StoredCredentials, _ used: StoredAppPassword?, at now: Timestamp) {
        let last = used.map(\.appPassword.lastUsed) ?? credentials.lastUsed
        if let last, now - last < .hours(1) { return }
        for source in sources {
            // Who could authenticate must not fail for a date that nobody needs.
            try? source.noteUse(credentials, appPassword: used?.appPassword.label, at: now)
        }
    }
}

extension PasswordHash {
    /// Whether trying a password against it takes what `cost` says.
    fileprivate func costs(_ cost: PasswordCost) -> Bool {
        if case .scrypt(let own, _, _) = self { own.hasScrypt(of: cost) } else { false }
    }
}
