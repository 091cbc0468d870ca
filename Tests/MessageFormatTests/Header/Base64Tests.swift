import MessageFormat
import Testing

@Suite("Base64") struct Base64Tests {
    @Test("RFC 4648 §10", arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func examples(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == Array(encoded.utf8))
        #expect(Base64.decode(encoded.utf8, .exact) == Array(plain.utf8))
        #expect(Base64.decode(encoded.utf8, .lenient) == Array(plain.utf8))
    }

    @Test func everyOctetComesBack() {
        let octets = (0...255).map { UInt8($0) }
        for count in 0...255 {
            let piece = Array(octets.prefix(count))
            #expect(Base64.decode(Base64.encode(piece), .exact) == piece)
        }
    }

    @Test("What exact decoding refuses and lenient decoding takes", arguments: ["Zg", "Zg=", "Zm8", "Z m9v", "Zm9v\r\n", "Zh==", "Z\tg = ="])
    func lenientOnly(text: String) {
        #expect(Base64.decode(text.utf8, .exact) == nil)
        #expect(Base64.decode(text.utf8, .lenient) != nil)
    }

    @Test("What nobody takes", arguments: ["Z", "Zm9vY", "=", "====", "Z===", "Zg=x", "Zm=v", "Zm9v=", "Zm9v==", "Zg===", "Zm9-", "Zm9\u{0}", "Zé=="])
    func refused(text: String) {
        #expect(Base64.decode(text.utf8, .exact) == nil)
        #expect(Base64.decode(text.utf8, .lenient) == nil)
    }
}
