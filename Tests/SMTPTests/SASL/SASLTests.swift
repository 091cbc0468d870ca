import Cryptography
import MessageFormat
import Testing
@testable import SMTP

@Suite struct SASLTests {
    @Test("Base64 is one text for one value", arguments: [
        ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar"),
    ])
    func base64(text: String, value: String) {
        #expect(SASLBase64.decode(Array(text.utf8)) == Array(value.utf8))
        #expect(SASLBase64.encode(Array(value.utf8)) == Array(text.utf8))
    }

    @Test("What is not base64", arguments: [
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "=", "====", "Zg==Zg==", "Z===", "Zm9v ", " Zm9v", "Zm9\n", "Zm-_", "Zm=v", "\u{0}\u{0}\u{0}\u{0}",
    ])
    func notBase64(text: String) { #expect(SASLBase64.decode(Array(text.utf8)) == nil) }

    @Test("A secret prints as nothing") func secret() {
        let request = AuthenticationRequest.password(name: "user", Secret("hunter2"))
        var dumped = ""
        dump(request, to: &dumped)
        for text in ["\(request)", String(reflecting: request), dumped] { #expect(!text.contains("hunter2") && !text.contains("104")) }
    }

    @Test("First messages of SCRAM that are refused", arguments: [
        "", "n", "n,,", "n,,n=user", "n,,r=abc,n=user", "n,,n=,r=abc", "n,,n=user,r=", "n,,n=us=er,r=abc", "n,,n=us=2cer,r=abc", "n,,m=x,n=user,r=abc",
        "p=tls-unique,,n=user,r=abc", "x,,n=user,r=abc", "n,b=x,n=user,r=abc", "n,,n=user,r=a b", "n,,n=us\ner,r=abc", "n,,n=us\u{0}er,r=abc",
    ])
    func scramFirst(message: String) { #expect(SCRAMServer(clientFirst: Array(message.utf8)) == nil) }

    @Test("Names of SCRAM keep their commas and equals signs") func scramName() {
        let server = SCRAMServer(clientFirst: Array("y,a=boss,n=a=2Cb=3Dc,r=abc".utf8))
        #expect(server?.name == "a,b=c")
        #expect(server?.authorization == "boss")
        #expect(SCRAMMessages.encode(name: "a,b=c") == Array("a=2Cb=3Dc".utf8))
    }

    @Test("A proof of another password, nonce or header") func scramProof() throws {
        let keys = try SCRAMKeys(password: Secret("pencil"), salt: [1, 2, 3], iterations: 4096)
        var server = try #require(SCRAMServer(clientFirst: Array("n,,n=user,r=abc".utf8)))
        let first = server.serverFirst(keys, nonce: Array("def".utf8))
        var wrong = SCRAMClient(name: "user", password: Secret("pencils"), nonce: Array("abc".utf8))
        let message = wrong.clientFinal(serverFirst: first)
        let final = try #require(message)
        let verdict = try #require(server.verify(clientFinal: final))
        #expect(!verdict.isValid)
        #expect(!wrong.isValid(serverFinal: verdict.serverFinal))
        for message in ["c=biws,r=abcxyz,p=AAAA", "c=eSws,r=abcdef,p=AAAA", "c=biws,r=abcdef", "", "p=AAAA", ",,,", "c=biws,r=abcdef,p=A"] {
            #expect(server.verify(clientFinal: Array(message.utf8)) == nil, "\(message)")
        }
    }

    @Test("A server that asks for too little or too much, or changes the nonce", arguments: [
        "r=abcdef,s=AQID,i=1", "r=abcdef,s=AQID,i=99999999999", "r=abc,s=AQID,i=4096", "r=xyzdef,s=AQID,i=4096", "r=abcdef,s=,i=4096", "e=other", "",
    ])
    func scramServerFirst(message: String) {
        var client = SCRAMClient(name: "user", password: Secret("pencil"), nonce: Array("abc".utf8))
        let final = client.clientFinal(serverFirst: Array(message.utf8))
        #expect(final == nil)
    }

    @Test("Bearer messages", arguments: [
        ("n,,\u{1}auth=Bearer tok\u{1}\u{1}", true), ("n,a=u@x.example,\u{1}host=a\u{1}port=1\u{1}auth=bearer tok\u{1}\u{1}", true),
        ("n,,\u{1}auth=Basic tok\u{1}\u{1}", false), ("n,,\u{1}auth=Bearer \u{1}\u{1}", false), ("n,,\u{1}auth=Bearer tok\u{1}", false),
        ("n,,\u{1}auth=Bearer a\u{1}auth=Bearer b\u{1}\u{1}", false), ("", false), ("n,,", false), ("n,,\u{1}\u{1}", false),
    ])
    func bearer(message: String, isGood: Bool) {
        #expect((BearerMessage(oauthBearer: Array(message.utf8))?.token == Secret("tok")) == isGood)
    }

    @Test("Random octets never trap an exchange") func random() {
        var state: UInt64 = 42
        func next() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
        for mechanism in SASLMechanism.allCases {
            for length in 0..<200 {
                var exchange = ServerExchange(mechanism)
                let alphabet = Array("n,=arpsiuthBe \u{1}\u{0}".utf8)
                let octets = (0..<length).map { _ in alphabet[Int(next()) % alphabet.count] }
                _ = exchange.begin(octets, isLedByHost: false)
                _ = exchange.take(.keys(SCRAMKeys(salt: [1], iterations: 1, storedKey: [], serverKey: []), nonce: [0x41]))
                _ = exchange.take(octets)
            }
        }
    }

    @Test("Who may send from where", arguments: [
        ("alice@x.example", "alice@x.example", true), ("alice@x.example", "Alice@X.example", true), ("alice@x.example", "alice+a@x.example", true),
        ("alice@x.example", "alicea@x.example", false), ("alice@x.example", "alice@y.example", false), ("@x.example", "bob@x.example", true),
        ("@x.example", "bob@sub.x.example", false), ("@*.x.example", "bob@sub.x.example", true), ("@*.x.example", "bob@x.example", false),
        ("@*.x.example", "bob@notx.example", false), ("*", "anybody@anywhere.example", true),
    ])
    func senders(pattern: String, address: String, isAllowed: Bool) throws {
        let patterns = SenderPatterns([try #require(SenderPatterns.Pattern(pattern))])
        #expect(patterns.match(try EmailAddress(parsing: address)) == isAllowed)
    }

    @Test("Accounts named by an address own it, others nothing") func ownSenders() throws {
        #expect(SenderPatterns(accountNamed: "alice@x.example").match(try EmailAddress(parsing: "alice@x.example")))
        #expect(SenderPatterns(accountNamed: "alice") == .none)
    }
}
