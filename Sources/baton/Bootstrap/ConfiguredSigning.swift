import Configuration
import MailAuth
import MailQueue
import MessageFormat

extension BatonConfiguration {
    /// Whose mail is signed and with which keys, read from their files; nil where nothing is signed.
    func makeSigningRules() throws(KeyDirectoryError) -> SigningRules? {
        guard let directory = dkim.directory else { return nil }
        let keys = try KeyDirectory(path: directory).signingKeys()
        guard !keys.isEmpty else { return nil }
        return SigningRules(keys: keys, signer: DKIMSigner(signerSettings), listeners: dkim.listeners.map { Set($0) },
                            unsignedAuthors: Set(dkim.unsignedAuthors))
    }

    private var signerSettings: DKIMSignerSettings {
        var settings = DKIMSignerSettings(lifetime: dkim.lifetime)
        if let fields = dkim.fields { settings.fields = fields.compactMap { HeaderName(parsing: $0) } }
        if let fields = dkim.oversignedFields { settings.oversigned = fields.compactMap { HeaderName(parsing: $0) } }
        return settings
    }
}
