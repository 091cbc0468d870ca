import Cryptography
import Glibc
import MailAuth
import MessageFormat
import Ports

/// Makes keys into a directory.
struct KeyMaker {
    let directory: KeyDirectory

    /// Makes a key and its file; never replaces one.
    func make(_ kind: KeyKind, bits: Int, domain: Domain, selector: String?, stage: KeyStage) throws(KeyDirectoryError) -> KeyDirectory.Entry {
        let (key, pem) = try KeyMaker.key(kind, bits: bits)
        let taken = Set(try directory.entries(of: domain).map(\.selector))
        let name = selector ?? KeyMaker.freeSelector(kind, taken)
        guard let valid = DKIMKey(domain: domain, selector: name, key: key) else {
            throw KeyDirectoryError(path: name, reason: "expected a selector of letters, digits, hyphens and dots")
        }
        guard !taken.contains(valid.selector) else {
            throw KeyDirectoryError(path: valid.selector, reason: "there is a key with this selector already")
        }
        let folder = "\(directory.path)/\(domain.ascii)"
        let path = "\(folder)/\(valid.selector)\(stage.suffix)"
        try KeyFile.write(pem, to: path, in: folder, root: directory.path)
        return KeyDirectory.Entry(domain: domain, selector: valid.selector, stage: stage, path: path, since: Int64(time(nil)), key: key)
    }

    private static func key(_ kind: KeyKind, bits: Int) throws(KeyDirectoryError) -> (SigningKey, pem: [UInt8]) {
        do throws(CryptographyError) {
            switch kind {
            case .rsa:
                let key = try RSAPrivateKey.generate(bits: bits)
                return (.rsa(key), key.pem)
            case .ed25519:
                let key = try Ed25519PrivateKey.generate()
                return (.ed25519(key), key.pem)
            }
        } catch {
            throw KeyDirectoryError(path: kind.rawValue, reason: KeyDirectory.words(error))
        }
    }

    /// `rsa20260821`, with a letter behind it when that is taken.
    private static func freeSelector(_ kind: KeyKind, _ taken: Set<String>) -> String {
        let base = kind.rawValue + DateTime.rfc3339(Timestamp(seconds: Int64(time(nil)))).prefix(10).filter { $0 != "-" }
        return ([""] + "bcdefghijklmnopqrstuvwxyz".map(String.init)).map { base + $0 }.first { !taken.contains($0) } ?? base
    }
}
