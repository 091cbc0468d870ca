@testable import Accounts
import Cryptography
import Foundation
import Ports
import SMTP
import Testing

@Suite struct AccountAuthenticatorTests {
    @Test("Passwords, right and wrong") func passwords() throws {
        let fixture = try AccountFixture()
        defer { fixture.remove() }
        try fixture.add("alice@x.example", "pencil")
        let authenticator = try fixture.authenticator()
        defer { authenticator.shutDown() }
        // Twice: the second time from the cache.
        for _ in 0..<2 { #expect(fixture.ask(authenticator, .password(name: "alice@x.example", Secret("pencil"))).account == "alice@x.example") }
        #expect(fixture.ask(authenticator, .password(name: "alice@x.example", Secret("pen"))) == .refused)
        #expect(fixture.ask(authenticator, .password(name: "nobody", Secret("pencil"))) == .refused)
        #expect(fixture.ask(authenticator, .password(name: "a\nb", Secret("pencil"))) == .refused)
        let account = try #require(try fixture.database.account(fixture.name("alice@x.example")))
        #expect(account.lastUsed == AccountFixture.now)
        // A change counts at once, in spite of the cache.
        try fixture.database.setPassword(Secret("paper"), of: account.name)
        #expect(fixture.ask(authenticator, .password(name: "alice@x.example", Secret("pencil"))) == .refused)
        #expect(fixture.ask(authenticator, .password(name: "alice@x.example", Secret("paper"))).account != nil)
        try fixture.database.setDisabled(true, of: account.name)
        #expect(fixture.ask(authenticator, .password(name: "alice@x.example", Secret("paper"))) == .refused)
    }

    @Test("App passwords have scopes and an end") func appPasswords() throws {
        let fixture = try AccountFixture()
        defer { fixture.remove() }
        try fixture.add("alice", "pencil")
        let alice = fixture.name("alice")
        let authenticator = try fixture.authenticator()
        defer { authenticator.shutDown() }
        let phone = try fixture.database.add(AppPassword(label: "phone", scopes: [.smtp], created: AccountFixture.now), to: alice)
        let api = try fixture.database.add(AppPassword(label: "api", scopes: [.api], created: AccountFixture.now), to: alice)
        let old = try fixture.database.add(
            AppPassword(label: "old", scopes: [.smtp], created: AccountFixture.now, expires: AccountFixture.now), to: alice)
        guard case .accepted(let account) = fixture.ask(authenticator, .password(name: "alice", phone)) else {
            Issue.record("the app password does not work")
            return
        }
        #expect(account.appPassword == "phone")
        #expect(fixture.ask(authenticator, .password(name: "alice", api)) == .refused)
        #expect(fixture.ask(authenticator, .password(name: "alice", old)) == .refused)
        try fixture.database.revokeAppPassword("phone", of: alice)
        #expect(fixture.ask(authenticator, .password(name: "alice", phone)) == .refused)
    }

    @Test("SCRAM: real keys, and made up ones that stay the same") func scram() throws {
        let fixture = try AccountFixture()
        defer { fixture.remove() }
        try fixture.add("alice", "pencil")
        let authenticator = try fixture.authenticator()
        defer { authenticator.shutDown() }
        guard case .keys(let keys, _) = fixture.ask(authenticator, .keys(name: "alice")),
              case .keys(let decoy, let nonce) = fixture.ask(authenticator, .keys(name: "nobody")),
              case .keys(let again, let other) = fixture.ask(authenticator, .keys(name: "nobody")) else {
            Issue.record("no keys")
            return
        }
        #expect(try SCRAMKeys(password: Secret("pencil"), salt: keys.salt, iterations: keys.iterations) == keys)
        #expect(decoy.salt == again.salt && decoy.iterations == keys.iterations && decoy.salt.count == keys.salt.count)
        #expect(nonce != other)
        #expect(fixture.ask(authenticator, .proof(name: "alice", isValid: true)).account == "alice")
        #expect(fixture.ask(authenticator, .proof(name: "alice", isValid: false)) == .refused)
        #expect(fixture.ask(authenticator, .proof(name: "nobody", isValid: true)) == .refused)
    }

    @Test("A certificate stands for the names that are in it") func certificates() throws {
        let fixture = try AccountFixture()
        defer { fixture.remove() }
        try fixture.add("alice@x.example", "pencil")
        try fixture.add("bob@x.example", "pencil")
        let authenticator = try fixture.authenticator()
        defer { authenticator.shutDown() }
        let names = ["alice@x.example"]
        #expect(fixture.ask(authenticator, .certificate(name: nil), certifiedNames: names).account == "alice@x.example")
        #expect(fixture.ask(authenticator, .certificate(name: "alice@x.example"), certifiedNames: names).account == "alice@x.example")
        #expect(fixture.ask(authenticator, .certificate(name: "bob@x.example"), certifiedNames: names) == .refused)
        #expect(fixture.ask(authenticator, .certificate(name: nil)) == .refused)
    }

    @Test("Failures of a client and of a name are borne so long") func throttle() throws {
        let fixture = try AccountFixture()
        defer { fixture.remove() }
        try fixture.add("alice", "pencil")
        var settings = AuthenticatorSettings()
        settings.throttle.maxFailuresPerClient = 3
        settings.throttle.maxFailuresPerName = 5
        let authenticator = try fixture.authenticator(settings)
        defer { authenticator.shutDown() }
        let home: UInt32 = 0x0a00_0001
        #expect(fixture.ask(authenticator, .password(name: "alice", Secret("pencil")), from: home).account == "alice")
        for _ in 0..<3 { #expect(fixture.ask(authenticator, .password(name: "alice", Secret("x")), from: 1) == .refused) }
        #expect(fixture.ask(authenticator, .password(name: "bob", Secret("x")), from: 1) == .close(.tooManyAuthenticationFailures))
        for _ in 0..<2 { #expect(fixture.ask(authenticator, .password(name: "alice", Secret("x")), from: 2) == .refused) }
        #expect(fixture.ask(authenticator, .password(name: "alice", Secret("pencil")), from: 3) == .close(.tooManyAuthenticationFailures))
        // The owner is not locked out by others.
        #expect(fixture.ask(authenticator, .password(name: "alice", Secret("pencil")), from: home).account == "alice")
        fixture.loop.now = fixture.loop.now + .minutes(10)
        #expect(fixture.ask(authenticator, .password(name: "alice", Secret("pencil")), from: 1).account == "alice")
    }

    @Test("A file beside the database, read again when it changes") func file() throws {
        let fixture = try AccountFixture()
        defer { fixture.remove() }
        let path = fixture.folder + "/passwords"
        try Data("# comment\nbob:{PLAIN}pencil:@x.example,@*.y.example\nbroken\nold:{MD5}x\n".utf8).write(to: URL(filePath: path))
        let authenticator = try fixture.authenticator(file: try PasswordFile(path: path))
        defer { authenticator.shutDown() }
        guard case .accepted(let account) = fixture.ask(authenticator, .password(name: "bob", Secret("pencil"))) else {
            Issue.record("the file is not read")
            return
        }
        #expect(account.senders.patterns.map(\.description) == ["@x.example", "@*.y.example"])
        #expect(fixture.ask(authenticator, .password(name: "old", Secret("x"))) == .refused)
        try Data("carol:{PLAIN}pencil\n".utf8).write(to: URL(filePath: path))
        #expect(fixture.ask(authenticator, .password(name: "carol", Secret("pencil"))).account == "carol")
        #expect(fixture.ask(authenticator, .password(name: "bob", Secret("pencil"))) == .refused)
        try FileManager.default.removeItem(atPath: path)
        #expect(fixture.ask(authenticator, .password(name: "carol", Secret("pencil"))) == .unavailable)
    }
}
