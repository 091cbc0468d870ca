@testable import baton
import Configuration
import Delivery
import MessageFormat
import SMTP
import Testing

@Suite struct QuickstartTests {
    @Test("What is printed follows the file, also where it was changed since")
    func welcome() throws {
        let folder = try TemporaryFolder()
        let text = Quickstart.text(root: folder.path, port: 2525, group: "users").replacing("127.0.0.1:2525", with: ":4025")
        let configuration = try BatonConfiguration.check(text, file: folder.path + "/baton.yaml")
        let welcome = Quickstart.welcome(root: folder.path, configuration, program: "./baton")
        #expect(welcome.contains(":4025 (smtp), 127.0.0.1:2526 (submission), 127.0.0.1:2527 (lmtp)"))
        #expect(welcome.contains("swaks --tls --server 127.0.0.1:4025 --to alice@baton.test"))
        #expect(welcome.contains("./baton queue --socket \(folder.path)/control"))
    }

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
