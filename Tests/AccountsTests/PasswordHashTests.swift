@testable import Accounts
import Cryptography
import SMTP
import Testing

@Suite struct PasswordHashTests {
    @Test("Each scheme reads what it writes", arguments: [
        "{SHA256}" + "XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg=",  // password
        "{PLAIN}password", "{plain}password",
    ])
    func known(text: String) throws {
        let hash = try #require(PasswordHash(text))
        #expect(hash.matches(Secret("password")))
        #expect(!hash.matches(Secret("Password")))
        #expect(PasswordHash(hash.text) == hash)
    }

    @Test("scrypt's parameters are in the text") func scrypt() throws {
        let hash = try PasswordHash.make(Secret("pencil"), cost: AccountFixture.cost, secrets: .system)
        #expect(hash.text.hasPrefix("$scrypt$ln=4,r=8,p=1$"))
        let read = try #require(PasswordHash(hash.text))
        #expect(read == hash && read.matches(Secret("pencil")) && !read.matches(Secret("pen")))
        #expect(PasswordHash("{SCRYPT}" + hash.text) == hash)
    }

    @Test("The keys of SCRAM, as Dovecot writes them") func scram() throws {
        let keys = try SCRAMKeys(password: Secret("pencil"), salt: [1, 2, 3, 4], iterations: 4096)
        let text = PasswordHash.scram(keys).text
        #expect(text.hasPrefix("{SCRAM-SHA-256}4096,AQIDBA==,"))
        #expect(PasswordHash(text) == .scram(keys))
        #expect(PasswordHash(text)?.matches(Secret("pencil")) == true)
    }

    @Test("What is no hash, and what would use up the host", arguments: [
        "", "password", "{MD5}abc", "{SHA256}", "{SHA256}AAAA", "{PLAIN}", "{SCRAM-SHA-256}", "{SCRAM-SHA-256}0,AQ==,AQ==,AQ==",
        "$scrypt$", "$scrypt$ln=30,r=8,p=1$c2FsdA$" + "AAAAAAAAAAAAAAAAAAAAAA", "$scrypt$ln=20,r=32,p=64$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=x$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "$scrypt$ln=4,r=8,p=1$$AAAAAAAAAAAAAAAAAAAAAA", "$scrypt$ln=4,r=8,p=-1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
        "{", "{}", "}",
    ])
    func refused(text: String) { #expect(PasswordHash(text) == nil) }

    @Test("Generated passwords differ and are read out easily") func generated() {
        let one = GeneratedPassword.make(.system), other = GeneratedPassword.make(.system)
        #expect(one != other)
        #expect(one.octets.split(separator: UInt8(ascii: "-")).map(\.count) == [4, 4, 4, 4, 4, 4])
        #expect(GeneratedPassword.make(SecretSource { Array(repeating: 0xff, count: $0) }).octets.starts(with: "zzzz-".utf8))
    }
}
