import Cryptography
import Foundation
import GRDB
import Ports
import SMTP

/// The accounts in Baton's own SQLite database.
///
/// Every call blocks: it is for threads that may. The daemon and `baton account` open the same file,
/// each on its own; SQLite keeps them apart, and what one writes the other reads at its next look.
public final class AccountDatabase: Sendable {
    let pool: DatabasePool
    let secrets: SecretSource
    /// What a new password costs to try.
    public let cost: PasswordCost

    /// Opens the database at `path`, which is made if it is not there, and brings it up to this version.
    public init(path: String, cost: PasswordCost = .standard, secrets: SecretSource = .system) throws(AccountError) {
        self.cost = cost
        self.secrets = secrets
        do {
            try AccountFile.prepare(path)
            var configuration = GRDB.Configuration()
            configuration.busyMode = .timeout(5)
            configuration.maximumReaderCount = 2
            configuration.label = "accounts"
            pool = try DatabasePool(path: path, configuration: configuration)
            // Opening in WAL mode sets NORMAL, after which a password that was changed could come back with the power.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            let level = try pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
            guard level == AccountDatabase.synchronousFull else { throw AccountError.database("synchronous is not FULL") }
            try AccountSchema.migrator.migrate(pool)
        } catch {
            throw AccountError(error)
        }
    }

    private static let synchronousFull = 2

    /// Closes the file.
    public func close() throws(AccountError) {
        do { try pool.close() } catch { throw AccountError(error) }
    }

    /// A secret of this database, made once: what is answered for names that do not exist comes from it.
    func secret() throws(AccountError) -> [UInt8] {
        try write { database in
            if let secret = try Data.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'secret'") { return Array(secret) }
            let secret = self.secrets.octets(32)
            try database.execute(sql: "INSERT INTO setting (name, value) VALUES ('secret', ?)", arguments: [Data(secret)])
            return secret
        }
    }

    func write<Value>(_ body: (Database) throws -> Value) throws(AccountError) -> Value {
        do { return try pool.write(body) } catch { throw AccountError(error) }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(AccountError) -> Value {
        do { return try pool.read(body) } catch { throw AccountError(error) }
    }
}
