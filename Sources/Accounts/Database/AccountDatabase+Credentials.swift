import GRDB
import Ports
import SMTP

extension AccountDatabase: CredentialSource {
    func credentials(of name: AccountName) throws(AccountError) -> StoredCredentials? {
        try read { database in
            guard let row = try Row.fetchOne(database, sql: "SELECT * FROM account WHERE name = ?", arguments: [name.description]) else {
                return nil
            }
            let account = try Account(row, [])
            var credentials = StoredCredentials(name: name, senders: account.allowedSenders)
            credentials.isDisabled = account.isDisabled
            credentials.lastUsed = account.lastUsed
            credentials.password = row.text("password").flatMap { PasswordHash($0) }
            if case .scram(let keys)? = row.text("scram").flatMap({ PasswordHash($0) }) { credentials.keys = keys }
            credentials.appPasswords = try Row.fetchAll(
                database, sql: "SELECT * FROM appPassword WHERE account = ?", arguments: [row.number("id")]
            ).compactMap { row in
                guard let appPassword = AppPassword(row), let hash = row.text("password").flatMap({ PasswordHash($0) }) else { return nil }
                return StoredAppPassword(appPassword, hash: hash)
            }
            return credentials
        }
    }

    func noteUse(_ credentials: StoredCredentials, appPassword: String?, at now: Timestamp) throws(AccountError) {
        try noteUse(of: credentials.name, appPassword: appPassword, at: now)
    }
}
