@testable import Accounts
import Foundation
import GRDB
import Ports
import SMTP
import Testing

@Suite struct AccountDatabaseTests {
    @Test("An account's life") func life() throws {
        let fixture = try AccountFixture()
        defer { fixture.remove() }
        let alice = fixture.name("alice@x.example")
        try fixture.add("alice@x.example", "pencil")
        #expect(throws: AccountError.accountExists(alice)) { try fixture.add("alice@x.example", "other") }
        var account = try #require(try fixture.database.account(alice))
        #expect(account.allowedSenders == SenderPatterns(accountNamed: "alice@x.example"))
        #expect(!account.isDisabled && account.lastUsed == nil)
        try fixture.database.setSenders(.any, of: alice)
        try fixture.database.setDisabled(true, of: alice)
        account = try #require(try fixture.database.account(alice))
        #expect(account.isDisabled && account.allowedSenders == .any)
        let secret = try fixture.database.add(AppPassword(label: "phone", scopes: [.smtp], created: AccountFixture.now), to: alice)
        #expect(secret.octets.count == 29)
        #expect(throws: AccountError.appPasswordExists("phone")) {
            try fixture.database.add(AppPassword(label: "phone", scopes: [.smtp], created: AccountFixture.now), to: alice)
        }
        #expect(try fixture.database.accounts().map(\.appPasswords.count) == [1])
        try fixture.database.remove(alice)
        #expect(try fixture.database.accounts().isEmpty)
        #expect(throws: AccountError.unknownAccount(alice)) { try fixture.database.remove(alice) }
        #expect(throws: AccountError.unknownAccount(alice)) { try fixture.database.setPassword(Secret("x"), of: alice) }
    }

    @Test("What is written is on the disk, for the daemon's user only") func durable() throws {
        let fixture = try AccountFixture()
        defer { fixture.remove() }
        let level = try fixture.database.pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
        #expect(level == 2)
        let mode = try #require(try FileManager.default.attributesOfItem(atPath: fixture.folder + "/accounts.sqlite")[.posixPermissions] as? Int)
        #expect(mode == 0o600)
    }

    @Test("Another process sees what was changed") func shared() throws {
        let fixture = try AccountFixture()
        defer { fixture.remove() }
        let other = try AccountDatabase(path: fixture.folder + "/accounts.sqlite", cost: AccountFixture.cost)
        try fixture.add("bob", "pencil")
        #expect(try other.accounts().map(\.name.description) == ["bob"])
        #expect(try other.secret() == fixture.database.secret())
    }

    @Test("Names are data, whatever they spell", arguments: [
        "x'/**/UNION/**/SELECT/**/X'00'--", "*)(uid=*", "'; DROP TABLE account; --", "%", "_", "ａ",
    ])
    func injection(text: String) throws {
        let fixture = try AccountFixture()
        defer { fixture.remove() }
        try fixture.add("bob", "pencil")
        #expect(try fixture.database.account(fixture.name(text)) == nil)
        try fixture.add(text, "paper")
        #expect(try fixture.database.accounts().count == 2)
        #expect(try fixture.database.account(fixture.name(text))?.name.description == text)
        #expect(AccountName("a\nb") == nil)
    }

    @Test("A damaged row is an error, not an account") func damage() throws {
        let fixture = try AccountFixture()
        defer { fixture.remove() }
        try fixture.add("bob", "pencil")
        try fixture.database.pool.write { try $0.execute(sql: "UPDATE account SET name = 'a' || char(10) || 'b'") }
        #expect(throws: AccountError.self) { try fixture.database.accounts() }
    }
}
