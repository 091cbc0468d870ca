import MessageFormat
import Testing

@Suite struct XTextTests {
    @Test(arguments: [("a@x.example", "a@x.example"), ("a+b=c", "a+2Bb+3Dc"), ("a b", "a+20b"), ("é", "+C3+A9"), ("", "")])
    func roundTrip(text: String, encoded: String) {
        #expect(XText.encode(text) == Array(encoded.utf8))
        #expect(XText.decode(Array(encoded.utf8)) == text)
    }

    @Test(arguments: ["a+", "a+2", "a+2G", "a=b", "a b", "+0A", "a+0D+0Ab", "+00", "+7F", "+FF", "+C2+85", "é", "a+-1"])
    func refused(text: String) { #expect(XText.decode(Array(text.utf8)) == nil) }

    @Test func lowerCaseDigitsAreRead() { #expect(XText.decode(Array("+2b".utf8)) == "+") }
}

@Suite struct UnicodeAddressTextTests {
    @Test(arguments: [
        ("Pelé@x.example", "Pel\\x{E9}@x.example", "Pelé@x.example"), ("a+b=c\\d e", "a\\x{2B}b\\x{3D}c\\x{5C}d\\x{20}e", "a\\x{2B}b\\x{3D}c\\x{5C}d\\x{20}e"),
        ("😀@日本", "\\x{1F600}@\\x{65E5}\\x{672C}", "😀@日本"),
    ])
    func roundTrip(text: String, xtext: String, unitext: String) {
        #expect(UnicodeAddressText.encode(text, .xtext) == Array(xtext.utf8))
        #expect(UnicodeAddressText.encode(text, .unitext) == Array(unitext.utf8))
        #expect(UnicodeAddressText.decode(Array(xtext.utf8)) == text)
        #expect(UnicodeAddressText.decode(Array(unitext.utf8)) == text)
    }

    @Test(arguments: ["\\", "\\x", "\\x{", "\\x{}", "\\x{A}", "\\x{0A}", "\\x{0D}x", "\\x{D800}", "\\x{110000}", "\\x{1234567}", "\\x{2028}", "\\y{41}", "a+b", "a b"])
    func refused(text: String) { #expect(UnicodeAddressText.decode(Array(text.utf8)) == nil) }
}
