import Cryptography
import Glibc
import MailAuth
import MessageFormat

/// Why a key or the directory of keys cannot be used; names files and reasons, never contents.
struct KeyDirectoryError: Error, CustomStringConvertible {
    let path: String
    let reason: String
    var description: String { "\(path): \(reason)" }
}

/// How far a key has come on its way from new to gone.
enum KeyStage: String, CaseIterable {
    /// Its record is to be published; it does not sign yet.
    case next
    /// It signs.
    case active
    /// It no longer signs; its record stays until mail on its way has arrived.
    case retired

    /// What follows the selector in the name of the file.
    var suffix: String {
        switch self {
        case .next: ".pem.next"
        case .active: ".pem"
        case .retired: ".pem.retired"
        }
    }
}

/// The directory of DKIM keys: `DOMAIN/SELECTOR.pem`, and beside it keys of other stages.
struct KeyDirectory {
    /// One key.
    struct Entry {
        let domain: Domain
        let selector: String
        let stage: KeyStage
        let path: String
        /// When the file came to its stage, in seconds since 1970.
        let since: Int64
        let key: SigningKey

        var dkimKey: DKIMKey? { DKIMKey(domain: domain, selector: selector, key: key) }
        var recordName: String { "\(selector)._domainkey.\(domain.ascii)" }
    }

    let path: String

    /// All keys, by domain and selector.
    func entries() throws(KeyDirectoryError) -> [Entry] {
        var entries: [Entry] = []
        for name in try names(in: path) {
            guard let domain = try? Domain(parsing: name) else { continue }
            var status = stat()
            guard stat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
            entries += try self.entries(of: domain, folder: name)
        }
        return entries
    }

    /// The keys of one domain.
    func entries(of domain: Domain) throws(KeyDirectoryError) -> [Entry] {
        access("\(path)/\(domain.ascii)", F_OK) == 0 ? try entries(of: domain, folder: domain.ascii) : []
    }

    /// The keys that sign, by domain.
    func signingKeys() throws(KeyDirectoryError) -> [Domain: [DKIMKey]] {
        var keys: [Domain: [DKIMKey]] = [:]
        for entry in try entries() where entry.stage == .active {
            guard let key = entry.dkimKey else { throw KeyDirectoryError(path: entry.path, reason: "the name is not a selector") }
            keys[entry.domain, default: []].append(key)
        }
        return keys
    }

    private func entries(of domain: Domain, folder: String) throws(KeyDirectoryError) -> [Entry] {
        var entries: [Entry] = []
        for file in try names(in: "\(path)/\(folder)") {
            guard let stage = KeyStage.allCases.first(where: { file.hasSuffix($0.suffix) }) else { continue }
            let path = "\(path)/\(folder)/\(file)"
            let (octets, since) = try KeyFile.read(path)
            do throws(CryptographyError) {
                entries.append(Entry(domain: domain, selector: String(file.dropLast(stage.suffix.count)), stage: stage, path: path,
                                     since: since, key: try SigningKey(pem: octets)))
            } catch {
                throw KeyDirectoryError(path: path, reason: KeyDirectory.words(error))
            }
        }
        return entries
    }

    private func names(in path: String) throws(KeyDirectoryError) -> [String] {
        guard let folder = opendir(path) else { throw KeyDirectoryError(path: path, reason: String(cString: strerror(errno))) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    static func words(_ error: CryptographyError) -> String {
        switch error {
        case .malformedKey: "not a private key in PEM"
        case .encryptedKey: "the key is encrypted: store it without a passphrase, readable by Baton alone"
        case .unsuitableKey: "expected an RSA or Ed25519 key whose halves belong together"
        case .parameter: "an RSA key must have 1024 to 4096 bits"
        case .refused: "the key cannot be used"
        }
    }
}
