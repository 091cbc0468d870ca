import SMTP
@testable import baton
import Configuration
import Cryptography
import Glibc
import MailAuth
import MailQueue
import MessageFormat
import Ports
@testable import Receiving
import Testing

/// Keys of what is found out about senders, and of what happens to mail that goes on.
extension SettingsTests {
    static func verified(_ configuration: BatonConfiguration) -> VerificationSettings? { policy(configuration).verification }

    static let verification: [Effect] = [
        Effect("listeners[].verification", { try configuration(listener: "verification: off") }) { verified($0) == nil },
        Effect("verification.mode", "enforce") { verified($0)?.mode == .enforce },
        Effect("verification.authservID", "results.example.org") { verified($0)?.service.ascii == "results.example.org" },
        Effect("verification.spfFail", "reject") { verified($0)?.spfFailure == .reject },
        Effect("verification.dmarcReject", "quarantine") { verified($0)?.dmarcRejection == .quarantine },
        Effect("verification.quarantine", "hold") { verified($0)?.quarantine == .hold },
        Effect("verification.authorless", "accept") { verified($0)?.authorless == .accept },
        Effect("verification.trustedForwarders", "[192.0.2.0/24]") { verified($0)?.trustedForwarders.map(\.description) == ["192.0.2.0/24"] },
        Effect("verification.trustedSealers", "[lists.example.net]") { verified($0)?.trustedSealers.map(\.ascii) == ["lists.example.net"] },
        Effect("verification.exemptAuthors", "[broken.example.net]") { verified($0)?.exemptAuthors.map(\.ascii) == ["broken.example.net"] },
        Effect("verification.maxLookups", "50") { verified($0)?.maxLookups == 50 },
        Effect("verification.timeout", "5s") { verified($0)?.timeout == .seconds(5) },
    ]

    /// A file with a new secret and an old one.
    static let secrets = try? TemporaryFolder()

    static func forwarded(_ more: String = "") throws -> BatonConfiguration {
        let path = try #require(secrets).write("new secret \n\n old\r\n", to: "srs.txt")
        return try configuration("forwarding: {srsSecretFile: \(path)\(more)}")
    }

    static let forwarding: [Effect] = [
        Effect("forwarding.srsSecretFile", { try forwarded() }) {
            let old = try #require(SRS(domain: $0.hostname, secrets: [Array("old".utf8)]))
            let now = Timestamp(seconds: 1_700_000_000)
            let sender = try address("x@a.example")
            let rewritten = try #require(old.forward(sender, at: now))
            return $0.addressRules.srs?.reverse(rewritten, at: now) == .address(sender) && session($0).addressLimits.localPart == SRS.maxLocalPart
        },
        Effect("forwarding.srsDomain", { try forwarded(", srsDomain: fwd.example.org") }) {
            $0.cleanupSettings.forwarding?.srs.domain.ascii == "fwd.example.org"
        },
        Effect("forwarding.rewrite", { try forwarded(", rewrite: always") }) { $0.cleanupSettings.forwarding?.occasion == .always },
        Effect("forwarding.srsMaxAge", { try forwarded(", srsMaxAge: 7d") }) { $0.addressRules.srs?.maxAge == .days(7) },
        Effect("forwarding.seal.domain", { try sealed() }) { try $0.makeSealingRules()?.sealer.domain.ascii == "example.org" },
        Effect("forwarding.seal.selector", { try sealed() }) { try $0.makeSealingRules()?.sealer.selector == "arc" },
        Effect("forwarding.seal.keyFile", { try sealed() }) { try $0.makeSealingRules() != nil },
        Effect("forwarding.seal.mail", { try sealed(", mail: relayed") }) { try $0.makeSealingRules()?.scope == .relayed },
    ]

    /// A private key that only its owner may read.
    static let sealingKey = try? secrets.map { try keyFile(in: $0, mode: 0o600) }

    static func keyFile(in folder: TemporaryFolder, mode: mode_t) throws -> String {
        let path = try folder.write(String(decoding: Ed25519PrivateKey.generate().pem, as: UTF8.self), to: "key.txt")
        chmod(path, mode)
        return path
    }

    static func sealed(_ more: String = "", key: String? = sealingKey) throws -> BatonConfiguration {
        try configuration("forwarding: {seal: {domain: example.org, selector: arc, keyFile: \(#require(key))\(more)}}")
    }

    @Test("Without a file of its own the seal uses a key of its domain, RSA before Ed25519; files that others may read are refused")
    func sealingKeys() throws {
        let folder = try TemporaryFolder()
        folder.makeFolder("dkim")
        let text = "forwarding: {seal: {domain: example.org}}\ndkim: {directory: \(folder.path)/dkim}"
        let configuration = try SettingsTests.configuration(text)
        #expect(throws: KeyDirectoryError.self) { try configuration.makeSealingRules() }
        let maker = KeyMaker(directory: KeyDirectory(path: folder.path + "/dkim"))
        let domain = try Domain(parsing: "example.org")
        _ = try maker.make(.ed25519, bits: 0, domain: domain, selector: "a", stage: .active)
        #expect(try configuration.makeSealingRules()?.sealer.selector == "a")
        _ = try maker.make(.rsa, bits: 2048, domain: domain, selector: "b", stage: .active)
        #expect(try configuration.makeSealingRules()?.sealer.selector == "b")

        let open = try SettingsTests.sealed(key: SettingsTests.keyFile(in: folder, mode: 0o644))
        let error = #expect(throws: KeyDirectoryError.self) { try open.makeSealingRules() }
        #expect(error?.description.contains("others may read or write the key") == true)
    }

    @Test("Mail from strangers is verified and logged, unless somebody says otherwise") func defaults() throws {
        let configuration = try SettingsTests.configuration()
        let settings = try #require(SettingsTests.verified(configuration))
        #expect(settings.mode == .log)
        #expect(settings.service == configuration.hostname)
        #expect(SettingsTests.verified(try SettingsTests.configuration(listener: "dialect: submission")) == nil)
        #expect(SettingsTests.verified(try SettingsTests.configuration(listener: "dialect: lmtp, verification: log")) != nil)
    }
}
