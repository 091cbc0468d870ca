import Foundation
import Ports
import SMTP
import Synchronization

/// Accounts in a file of lines, read again when it changes.
///
///     # name:{SCHEME}hash[:patterns of senders, with commas]
///     alice@example.org:$scrypt$ln=14,r=8,p=5$c2FsdA$aGFzaA
///     mailer:{SSHA256}aGFzaHNhbHQ=:@example.org,@*.example.org
public final class PasswordFile: CredentialSource {
    private struct State {
        var stamp: Stamp?
        var entries: [AccountName: StoredCredentials] = [:]
    }

    private struct Stamp: Equatable {
        var modified: Date?
        var size: Int64
        var inode: UInt64?
    }

    private let path: String
    private let state = Mutex(State())

    /// The largest file that is read.
    private static let maxOctets = 64 << 20

    /// Accounts in the file at `path`, which must be readable.
    public init(path: String) throws(AccountError) {
        self.path = path
        _ = try current()
    }

    func credentials(of name: AccountName) throws(AccountError) -> StoredCredentials? { try current()[name] }

    func noteUse(_ credentials: StoredCredentials, appPassword: String?, at now: Timestamp) throws(AccountError) {}

    private func current() throws(AccountError) -> [AccountName: StoredCredentials] {
        guard let facts = try? FileManager.default.attributesOfItem(atPath: path), let size = facts[.size] as? Int64 else {
            throw .database("\(path) cannot be read")
        }
        let stamp = Stamp(modified: facts[.modificationDate] as? Date, size: size, inode: facts[.systemFileNumber] as? UInt64)
        if let entries = state.withLock({ $0.stamp == stamp ? $0.entries : nil }) { return entries }
        guard size <= PasswordFile.maxOctets, let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw .database("\(path) cannot be read")
        }
        let entries = PasswordFile.parse(text)
        state.withLock { $0 = State(stamp: stamp, entries: entries) }
        return entries
    }

    /// The accounts in `text`; lines that say nothing are passed over, and so are those of schemes that are not known.
    static func parse(_ text: String) -> [AccountName: StoredCredentials] {
        var entries: [AccountName: StoredCredentials] = [:]
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count >= 2, let name = AccountName(String(fields[0])), let hash = PasswordHash(fields[1]) else { continue }
            var credentials = StoredCredentials(name: name, senders: SenderPatterns(accountNamed: name.description))
            if fields.count == 3, !fields[2].isEmpty {
                credentials.senders = SenderPatterns(fields[2].split(separator: ",").compactMap { SenderPatterns.Pattern($0) })
            }
            credentials.password = hash
            if case .scram(let keys) = hash { credentials.keys = keys }
            entries[name] = credentials
        }
        return entries
    }
}
