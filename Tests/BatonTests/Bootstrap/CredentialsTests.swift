import Delivery
@testable import baton
import Configuration
import Foundation
import SMTP
import Testing

@Suite struct CredentialsTests {
    private func configuration(_ credentials: String) throws -> BatonConfiguration {
        try BatonConfiguration.check("""
            hostname: relay.example.org
            listeners: [{address: "127.0.0.1:2525"}]
            routes: {provider: {type: smarthost, hosts: [smtp.provider.example]}}
            credentials: \(credentials)
            """, file: "baton.yaml")
    }

    @Test("Secrets come from files and from the environment") func sources() throws {
        let path = NSTemporaryDirectory() + "baton-secret-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("pencil\nsecond line\n".utf8).write(to: URL(filePath: path))
        let configuration = try configuration("""
            [{route: provider, senders: [shop.example], account: shop, passwordVariable: PATH}, {route: provider, account: all, passwordFile: \(path)}]
            """)
        let entries = try #require(try configuration.readCredentials()["provider"]?.entries)
        #expect(entries.map(\.authentication.name) == ["shop", "all"])
        #expect(entries[1].authentication.secret == Secret("pencil"))
        #expect(entries[0].senders?.patterns.map(\.description) == ["@shop.example"])
        #expect(!"\(entries)".contains("pencil") && !"\(configuration)".contains("pencil"))
    }

    @Test("What is missing is named") func missing() throws {
        #expect(throws: CredentialsError.self) {
            try configuration("[{route: provider, account: a, passwordFile: /nonexistent/secret}]").readCredentials()
        }
        #expect(throws: CredentialsError.self) {
            try configuration("[{route: provider, account: a, passwordVariable: NO_SUCH_VARIABLE_HERE}]").readCredentials()
        }
        #expect(throws: ConfigurationError.self) { try configuration("[{route: provider, account: a}]") }
        #expect(throws: ConfigurationError.self) { try configuration("[{route: mx, account: a, passwordFile: /a}]") }
    }
}
