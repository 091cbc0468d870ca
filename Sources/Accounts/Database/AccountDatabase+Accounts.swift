import Cryptography
import GRDB
import Ports
import SMTP

extension AccountDatabase {
    /// All accounts, by name.
    public func accounts() throws(AccountError) -> [Account] {
        try read { database in
            let passwords = Dictionary(grouping: try Row.fetchAll(database, sql: "SELECT * FROM appPassword ORDER BY label")) { $0.number("account") }
            return try Row.fetchAll(database, sql: "SELECT * FROM account ORDER BY name").map { row in
                try Account(row, passwords[row.number("id")] ?? [])
            }
        }
    }

    /// The account of that name; nil when there is none.
    public func account(_ name: AccountName) throws(AccountError) -> Account? {
        try read { database in
            guard let row = try Row.fetchOne(database, sql: "SELECT * FROM account WHERE name = ?", arguments: [name.description]) else {
                return nil
            }
            return try Account(row, try Row.fetchAll(
                database, sql: "SELECT * FROM appPassword WHERE account = ? ORDER BY label", arguments: [row.number("id")]))
        }
    }

    /// Adds an account.
    public func add(_ account: Account, password: Secret) throws(AccountError) {
        let (hash, keys) = try hashes(of: password)
        try write { database in
            guard try Row.fetchOne(database, sql: "SELECT id FROM account WHERE name = ?", arguments: [account.name.description]) == nil else {
                throw AccountError.accountExists(account.name)
            }
            try database.execute(
                sql: "INSERT INTO account (name, password, scram, senders, isDisabled, created) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [account.name.description, hash, keys, account.senders?.text, account.isDisabled, account.created.seconds])
        }
    }

    /// Gives an account another password; its app passwords stay.
    public func setPassword(_ password: Secret, of name: AccountName) throws(AccountError) {
        let (hash, keys) = try hashes(of: password)
        try change(name, "password = ?, scram = ?", [hash, keys])
    }

    /// Changes the addresses that an account may send from; nil for the one that it is named by.
    public func setSenders(_ senders: SenderPatterns?, of name: AccountName) throws(AccountError) {
        try change(name, "senders = ?", [senders?.text])
    }

    /// Locks an account, or opens it again.
    public func setDisabled(_ isDisabled: Bool, of name: AccountName) throws(AccountError) {
        try change(name, "isDisabled = ?", [isDisabled])
    }

    /// Removes an account with its app passwords.
    public func remove(_ name: AccountName) throws(AccountError) {
        try write { database in
            try database.execute(sql: "DELETE FROM account WHERE name = ?", arguments: [name.description])
            guard database.changesCount == 1 else { throw AccountError.unknownAccount(name) }
        }
    }

    /// Notes that an account, or one of its app passwords, was used.
    func noteUse(of name: AccountName, appPassword label: String?, at now: Timestamp) throws(AccountError) {
        try write { database in
            try database.execute(sql: "UPDATE account SET lastUsed = ? WHERE name = ?", arguments: [now.seconds, name.description])
            guard let label else { return }
            try database.execute(
                sql: "UPDATE appPassword SET lastUsed = ? WHERE label = ? AND account = (SELECT id FROM account WHERE name = ?)",
                arguments: [now.seconds, label, name.description])
        }
    }

    private func change(_ name: AccountName, _ assignment: StaticString, _ values: [(any DatabaseValueConvertible)?]) throws(AccountError) {
        try write { database in
            try database.execute(sql: "UPDATE account SET \(assignment) WHERE name = ?",
                                 arguments: StatementArguments(values + [name.description]))
            guard database.changesCount == 1 else { throw AccountError.unknownAccount(name) }
        }
    }

    private func hashes(of password: Secret) throws(AccountError) -> (hash: String, keys: String) {
        do {
            let hash = try PasswordHash.make(password, cost: cost, secrets: secrets)
            let keys = try SCRAMKeys(password: password, salt: secrets.octets(16), iterations: cost.scramIterations)
            return (hash.text, PasswordHash.scram(keys).text)
        } catch {
            throw .hashing
        }
    }
}

extension SenderPatterns {
    /// The patterns in one line.
    var text: String { patterns.map(\.description).joined(separator: "\n") }

    /// The patterns in `text`; a line that is none matches nothing.
    init(text: String) { self.init(text.split(separator: "\n").compactMap { Pattern($0) }) }
}

extension Account {
    /// The account in a row; what does not belong into one is an error, whoever put it there.
    init(_ row: Row, _ appPasswords: [Row]) throws {
        guard let name = row.text("name").flatMap(AccountName.init), let created = row.number("created") else {
            throw AccountError.database("an account has no proper name or date")
        }
        self.init(name: name, senders: row.text("senders").map(SenderPatterns.init(text:)), created: Timestamp(seconds: created))
        // Whatever is not a clear no counts as a lock.
        isDisabled = row.number("isDisabled") != 0
        lastUsed = row.number("lastUsed").map(Timestamp.init(seconds:))
        self.appPasswords = appPasswords.compactMap(AppPassword.init)
    }
}

extension AppPassword {
    /// The app password in a row; nil when the row holds none.
    init?(_ row: Row) {
        guard let label = row.text("label"), let scopes = row.text("scopes"), let created = row.number("created") else { return nil }
        self.init(label: label, scopes: Set(scopes.split(separator: " ").compactMap { Scope(rawValue: String($0)) }),
                  created: Timestamp(seconds: created), expires: row.number("expires").map(Timestamp.init(seconds:)))
        lastUsed = row.number("lastUsed").map(Timestamp.init(seconds:))
    }
}

extension Row {
    /// The text in a column; nil when it holds anything else. The library's own way would trap on a damaged file.
    func text(_ column: String) -> String? { String.fromDatabaseValue(self[column]) }

    /// The number in a column; nil when it holds anything else.
    func number(_ column: String) -> Int64? { Int64.fromDatabaseValue(self[column]) }
}
