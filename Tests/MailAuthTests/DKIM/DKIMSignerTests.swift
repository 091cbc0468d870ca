import Cryptography
import DNS
import MailAuth
import MessageFormat
import Ports
import Testing

@Suite("DKIM signing") struct DKIMSignerTests {
    static let now = Timestamp(seconds: 1_700_000_000)
    static let message = """
        Received: from a.example by b.example; Tue, 14 Nov 2023 22:13:20 +0000\r
        From: Joe SixPack <joe@football.example>\r
        To: Suzie Q <suzie@shopping.example>,\r
         Friends of Suzie <friends@shopping.example>\r
        Subject:  Is dinner\tready?\r
        Date: Tue, 14 Nov 2023 22:13:20 +0000\r
        Message-ID: <1@football.example>\r
        \r
        Hi.\r
        \r
        We  lost the game.  \r
        Are you hungry yet?\r
        \r
        Joe.\r
        \r
        \r

        """

    let ed25519: DKIMKey
    let rsa: DKIMKey
    var zone: Zone

    init() throws {
        let domain = try Domain(parsing: "football.example")
        ed25519 = try #require(DKIMKey(domain: domain, selector: "brisbane", key: .ed25519(Ed25519PrivateKey.generate())))
        rsa = try #require(DKIMKey(domain: domain, selector: "Test", key: .rsa(RSAPrivateKey.generate(bits: 1024))))
        zone = Zone()
        for key in [ed25519, rsa] { zone.names[key.recordName] = Zone.Entry([.txt(Array(KeyRecord.text(of: key.key).utf8))]) }
    }

    private func signed(_ message: String, _ keys: [DKIMKey], _ settings: DKIMSignerSettings = DKIMSignerSettings()) throws -> [UInt8] {
        let octets = Array(message.utf8)
        let header = try MessageHeader(scanning: octets)
        let signer = DKIMSigner(settings)
        let bodies = BodyHashes()
        let request = signer.bodyHash(in: bodies)
        bodies.receive(octets[header.section.bodyStart...])
        bodies.finish()
        return try signer.sign(header, bodyHash: bodies.value(request).hash, keys: keys, at: DKIMSignerTests.now) + octets
    }

    @Test("What is signed verifies in every form and however it is cut") func roundTrip() throws {
        for headerForm in Canonicalization.allCases {
            for bodyForm in Canonicalization.allCases {
                var settings = DKIMSignerSettings()
                settings.headerCanonicalization = headerForm
                settings.bodyCanonicalization = bodyForm
                let message = try signed(DKIMSignerTests.message, [ed25519, rsa], settings)
                for chunk in [1, 7, 100, 1 << 20] {
                    let results = try verify(message, zone, at: DKIMSignerTests.now, chunk: chunk)
                    #expect(results.map(\.result) == [.pass, .pass], "\(headerForm)/\(bodyForm) \(chunk): \(results)")
                    #expect(results.map(\.algorithm) == [.ed25519SHA256, .rsaSHA256])
                    #expect(results.map(\.selector) == ["brisbane", "test"])
                }
            }
        }
    }

    @Test func relaxedSurvivesWhatRelaysDo() throws {
        let message = String(decoding: try signed(DKIMSignerTests.message, [rsa]), as: UTF8.self)
        let changed = message.replacing("Subject:  Is dinner\tready?", with: "subject: Is\r\n dinner ready? ")
            .replacing("We  lost the game.  \r\n", with: "We lost\tthe game.\r\n").replacing("Joe.\r\n\r\n\r\n", with: "Joe.\r\n")
        #expect(try verify(Array(changed.utf8), zone, at: DKIMSignerTests.now).map(\.result) == [.pass])
        for (one, other) in [("dinner", "supper"), ("game", "match"), ("To: Suzie", "To: Susie"), ("\r\nDate:", "\r\nCc: x@y.example\r\nDate:"),
                             ("From: Joe", "From: Jim"), ("<1@", "<2@")] {
            let forged = message.replacing(one, with: other)
            #expect(try verify(Array(forged.utf8), zone, at: DKIMSignerTests.now).map(\.result) == [.fail], "\(one)")
        }
    }

    @Test func fieldsAreFoldedAndOversigned() throws {
        let message = try signed(DKIMSignerTests.message, [rsa])
        let header = try MessageHeader(scanning: message)
        let field = try #require(header.fields("DKIM-Signature").first)
        for line in header.lines(of: field).split(separator: 0x0a) { #expect(line.count <= 79) }
        let signature = try DKIMSignature(parsing: header.body(of: field))
        #expect(signature.bodyLength == nil && signature.expiration == nil)
        #expect(signature.signedFields.count { $0 == "From" } == 2 && signature.signedFields.count { $0 == "Cc" } == 1)
        #expect(!signature.signedFields.contains("Received"))
        #expect(signature.headerCanonicalization == .relaxed && signature.bodyCanonicalization == .relaxed)
    }

    @Test func aLifetimeEnds() throws {
        let message = try signed(DKIMSignerTests.message, [ed25519], DKIMSignerSettings(lifetime: .days(7)))
        #expect(try verify(message, zone, at: DKIMSignerTests.now + .days(7)).map(\.result) == [.pass])
        let late = try verify(message, zone, at: DKIMSignerTests.now + .days(8))
        #expect(late.map(\.failure) == [.expired])
    }

    @Test func anEmptyBodyAndAnEmptyHeader() throws {
        let message = try signed("From: a@football.example\r\n\r\n", [ed25519, rsa])
        #expect(try verify(message, zone, at: DKIMSignerTests.now).map(\.result) == [.pass, .pass])
        #expect(try verify(signed("\r\n", [rsa]), zone, at: DKIMSignerTests.now).map(\.result) == [.pass])
    }
}
