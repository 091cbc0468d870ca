import Cryptography
import GRDB

/// Why something could not be done with an account.
public enum AccountError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no account of that name.
    case unknownAccount(AccountName)
    /// There is an account of that name.
    case accountExists(AccountName)
    /// The account has no app password of that label.
    case unknownAppPassword(String)
    /// The account has an app password of that label.
    case appPasswordExists(String)
    /// The database cannot be used.
    case database(String)
    /// The password cannot be hashed.
    case hashing

    init(_ error: any Error) {
        switch error {
        case let error as AccountError: self = error
        case is CryptographyError: self = .hashing
        // The statement and its arguments are left out: a name may be anything, a hash is nobody's business.
        case let error as DatabaseError: self = .database("SQLite: \(error.message ?? "error \(error.extendedResultCode.rawValue)")")
        default: self = .database("\(error)")
        }
    }

    public var description: String {
        switch self {
        case .unknownAccount(let name): "there is no account '\(name)'"
        case .accountExists(let name): "there is an account '\(name)' already"
        case .unknownAppPassword(let label): "there is no app password '\(label)'"
        case .appPasswordExists(let label): "there is an app password '\(label)' already"
        case .database(let text): "the database of accounts cannot be used: \(text)"
        case .hashing: "the password cannot be hashed"
        }
    }
}
