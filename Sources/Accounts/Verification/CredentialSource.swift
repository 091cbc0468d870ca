import Ports
import SMTP

/// Where names, hashes and keys are kept; asked on the threads of the accounts.
protocol CredentialSource: Sendable {
    /// What is stored of that name; nil when nothing is.
    func credentials(of name: AccountName) throws(AccountError) -> StoredCredentials?
    /// Notes that the account, or one of its app passwords, was used.
    func noteUse(_ credentials: StoredCredentials, appPassword: String?, at now: Timestamp) throws(AccountError)
}

/// What is stored to check who a client is.
struct StoredCredentials: Sendable {
    let name: AccountName
    var senders: SenderPatterns
    var password: PasswordHash?
    var keys: SCRAMKeys?
    var isDisabled = false
    var lastUsed: Timestamp?
    var appPasswords: [StoredAppPassword] = []

    init(name: AccountName, senders: SenderPatterns) {
        self.name = name
        self.senders = senders
    }
}

/// An app password with its hash.
struct StoredAppPassword: Sendable {
    let appPassword: AppPassword
    let hash: PasswordHash

    init(_ appPassword: AppPassword, hash: PasswordHash) {
        self.appPassword = appPassword
        self.hash = hash
    }

    /// Whether it is good for submitting mail at `now`.
    func isUsable(at now: Timestamp) -> Bool {
        appPassword.scopes.contains(.smtp) && appPassword.expires.map { now < $0 } ?? true
    }
}
