import Configuration
import MailAuth
import MailQueue
import MessageFormat

extension BatonConfiguration {
    /// Whose mail is signed and with which keys, read from their files; nil where nothing is signed.
    func makeSigningRules() throws(KeyDirectoryError) -> SigningRules? {
        guard let keys = try keyDirectory?.signingKeys(), !keys.isEmpty else { return nil }
        return signingRules(keys: keys)
    }

    /// Where the keys lie.
    var keyDirectory: KeyDirectory? { dkim.directory.map { KeyDirectory(path: $0) } }

    /// Whose mail is signed with `keys`.
    func signingRules(keys: [Domain: [DKIMKey]]) -> SigningRules {
        SigningRules(keys: keys, signer: DKIMSigner(signerSettings), listeners: dkim.listeners.map { Set($0) },
                     unsignedAuthors: Set(dkim.unsignedAuthors))
    }

    private var signerSettings: DKIMSignerSettings {
        var settings = DKIMSignerSettings(lifetime: dkim.lifetime)
        if let fields = dkim.fields { settings.fields = fields.compactMap { HeaderName(parsing: $0) } }
        if let fields = dkim.oversignedFields { settings.oversigned = fields.compactMap { HeaderName(parsing: $0) } }
        return settings
    }
}
