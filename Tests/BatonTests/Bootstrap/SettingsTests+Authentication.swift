@testable import baton
import Configuration
import Delivery
import MailQueue
import MessageFormat
@testable import Receiving
import SMTP

/// Keys of accounts here and elsewhere.
extension SettingsTests {
    static let authentication: [Effect] = [
        Effect("authentication.mechanisms", "[PLAIN]") { offer($0).mechanisms == [.plain, .external] },
        Effect("authentication.reversePath", "log") { SubmissionRules.SenderCheck($0.authentication.reversePath) == .log },
        Effect("authentication.author", "\"off\"") { SubmissionRules.SenderCheck($0.authentication.author) == .off },
        Effect("authentication.hidesClient", "true") { $0.cleanupSettings.clientInTrace == .hiddenForSubmission },
        Effect("authentication.maxFailures", "9") { offer($0).maxFailures == 9 },
        Effect("authentication.failureDelay", "3s") { offer($0).failureDelay == .seconds(3) },
        credentials("route", "") { try $0.readCredentials().keys.sorted() == ["p"] },
        credentials("account", "") { try entry($0)?.authentication.name == "shop" },
        credentials("passwordVariable", "") { try entry($0)?.authentication.secret.octets.isEmpty == false },
        credentials("passwordFile", "", secret: "passwordFile: /proc/self/comm") { try entry($0)?.authentication.secret.octets.isEmpty == false },
        credentials("senders", ", senders: [shop.example]") { try entry($0)?.senders?.patterns.map(\.description) == ["@shop.example"] },
        credentials("token", ", token: true") { try entry($0)?.authentication.kind == .token },
        credentials("withoutTLS", ", withoutTLS: true") { try entry($0)?.authentication.allowsPlaintext == true },
    ]

    /// What a listener that offers AUTH would do.
    private static func offer(_ configuration: BatonConfiguration) -> AuthenticationSettings {
        var listener = configuration.listeners[0]
        listener.authentication = .optional
        return configuration.authenticationSettings(of: listener) ?? AuthenticationSettings()
    }

    private static func entry(_ configuration: BatonConfiguration) throws -> HopCredentials.Entry? {
        try configuration.readCredentials()["p"]?.entries.first
    }

    private static func credentials(_ key: String, _ more: String, secret: String = "passwordVariable: PATH",
                                    _ holds: @escaping @Sendable (BatonConfiguration) throws -> Bool) -> Effect {
        Effect("credentials[].\(key)", {
            try configuration(routes: "r: {type: discard}, p: {type: smarthost, hosts: [smtp.example]}",
                              "credentials: [{route: p, account: shop, \(secret)\(more)}]")
        }, holds)
    }
}
