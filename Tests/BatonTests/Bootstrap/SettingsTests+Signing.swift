@testable import baton
import Configuration
import MailAuth
import MailQueue
import MessageFormat
import Ports

/// Keys of whose mail is signed, and how.
extension SettingsTests {
    static let signing: [Effect] = [
        Effect("dkim.directory", "/keys") { $0.keyDirectory?.path == "/keys" },
        Effect("dkim.listeners", "[\":587\"]") { $0.signingRules(keys: [:]).listeners == [":587"] },
        Effect("dkim.unsignedAuthors", "[quiet@example.org]") {
            try $0.signingRules(keys: [:]).unsignedAuthors == [address("quiet@example.org")]
        },
        Effect("dkim.lifetime", "7d") { $0.signingRules(keys: [:]).signer.settings.lifetime == .days(7) },
        Effect("dkim.fields", "[Subject]") { $0.signingRules(keys: [:]).signer.settings.fields == [.subject] },
        Effect("dkim.oversignedFields", "[Subject]") { $0.signingRules(keys: [:]).signer.settings.oversigned == [.subject] },
    ]
}
