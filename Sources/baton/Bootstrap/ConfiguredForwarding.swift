import Configuration
import Foundation
import MailAuth
import MailQueue

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
}
