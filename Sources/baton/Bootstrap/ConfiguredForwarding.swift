import Configuration
import Cryptography
import Foundation
import MailAuth
import MailQueue
import MessageFormat

extension BatonConfiguration {
    /// The scheme that rewrites reverse-paths; nil where it is not configured, or its file holds no secret.
    var srs: SRS? {
        guard let path = forwarding.srsSecretFile, let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        return SRS(domain: forwarding.srsDomain ?? hostname, secrets: ForwardingConfiguration.secrets(in: text), maxAge: forwarding.srsMaxAge)
    }

    /// How the reverse-path of forwarded mail is rewritten.
    var forwardingRules: ForwardingRules? {
        srs.map { ForwardingRules(srs: $0, occasion: forwarding.rewrite == .always ? .always : .needed) }
    }

    /// What is sealed before it goes on, with its key read from its file; nil where nothing is.
    func makeSealingRules() throws(KeyDirectoryError) -> SealingRules? {
        guard let seal = forwarding.seal else { return nil }
        let key = try sealingKey(seal)
        return SealingRules(sealer: ARCSealer(domain: seal.domain, selector: key.selector, key: key.key),
                            service: verification.authservID ?? hostname, scope: seal.mail == .relayed ? .relayed : .forwarded)
    }

    private func sealingKey(_ seal: SealConfiguration) throws(KeyDirectoryError) -> DKIMKey {
        if let path = seal.keyFile {
            let octets = try KeyFile.read(path).0
            do throws(CryptographyError) {
                let key = try SigningKey(pem: octets)
                if let key = DKIMKey(domain: seal.domain, selector: seal.selector ?? "", key: key) { return key }
            } catch {
                throw KeyDirectoryError(path: path, reason: KeyDirectory.words(error))
            }
            throw KeyDirectoryError(path: path, reason: "the key needs a selector of letters, digits, hyphens and dots")
        }
        let keys = try keyDirectory?.signingKeys()[seal.domain] ?? []
        // A set has one seal, and not everybody can check Ed25519.
        let isRSA: (DKIMKey) -> Bool = { if case .rsa = $0.key { true } else { false } }
        guard let key = keys.first(where: isRSA) ?? keys.first else {
            throw KeyDirectoryError(path: dkim.directory ?? "dkim.directory", reason: "there is no active key of \(seal.domain.ascii) to seal with")
        }
        return key
    }
}
