@testable import baton
import Configuration
import Delivery
import MessageFormat
import SMTP
import Testing

@Suite struct QuickstartTests {
    @Test("The file that the quick start writes has no mistake and mails nobody")
    func text() throws {
        let folder = try TemporaryFolder()
        let text = Quickstart.text(root: folder.path, port: 2525, group: "users")
        let configuration = try BatonConfiguration.check(text, file: folder.path + "/baton.yaml")
        #expect(configuration.listeners.map(\.dialect) == [.smtp, .submission, .lmtp])
        #expect(configuration.listeners.map(\.address.description) == ["127.0.0.1:2525", "127.0.0.1:2526", "127.0.0.1:2527"])
        #expect(try SettingsTests.verdict("anybody@baton.test", configuration) == .accept)
        #expect(try SettingsTests.transport("anybody@baton.test", configuration) == .maildir(path: folder.path + "/mail/{domain}/{user}"))
        for stranger in ["x@example.com", "x@[192.0.2.1]", configuration.postmaster.description] where !stranger.hasSuffix("baton.test") {
            #expect(try SettingsTests.transport(stranger, configuration) == .sandbox(path: folder.path + "/sandbox"))
        }
    }
}
