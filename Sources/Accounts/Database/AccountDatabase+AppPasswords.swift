import GRDB
import Ports
import SMTP

extension AccountDatabase {
    /// Adds an app password to an account, and tells it: it is stored nowhere else.
    public func add(_ appPassword: AppPassword, to name: AccountName) throws(AccountError) -> Secret {
        let secret = GeneratedPassword.make(secrets)
        let hash = PasswordHash.make(generated: secret, secrets: secrets).text
        try write { database in
            guard let account = try Int64.fetchOne(database, sql: "SELECT id FROM account WHERE name = ?", arguments: [name.description]) else {
                throw AccountError.unknownAccount(name)
            }
            guard try Row.fetchOne(database, sql: "SELECT id FROM appPassword WHERE account = ? AND label = ?",
                                   arguments: [account, appPassword.label]) == nil else {
                throw AccountError.appPasswordExists(appPassword.label)
            }
            try database.execute(
                sql: "INSERT INTO appPassword (account, label, password, scopes, created, expires) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [account, appPassword.label, hash, appPassword.scopes.map(\.rawValue).sorted().joined(separator: " "),
                            appPassword.created.seconds, appPassword.expires?.seconds])
        }
        return secret
    }

    /// Ends an app password.
    public func revokeAppPassword(_ label: String, of name: AccountName) throws(AccountError) {
        try write { database in
            guard let account = try Int64.fetchOne(database, sql: "SELECT id FROM account WHERE name = ?", arguments: [name.description]) else {
                throw AccountError.unknownAccount(name)
            }
            try database.execute(sql: "DELETE FROM appPassword WHERE account = ? AND label = ?", arguments: [account, label])
            guard database.changesCount == 1 else { throw AccountError.unknownAppPassword(label) }
        }
    }
}
