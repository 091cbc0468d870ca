import Accounts
import Testing

@Suite("Account names") struct AccountNameTests {
    @Test func bounds() {
        #expect(AccountName("anna@example.com")?.description == "anna@example.com")
        #expect(AccountName("") == nil)
        #expect(AccountName("a\nb") == nil)
        #expect(AccountName(String(repeating: "a", count: 256)) == nil)
    }
}
