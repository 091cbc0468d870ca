import Cryptography
import DNS
import MailAuth
import MessageFormat
import Ports
import Testing

/// Signatures, keys and messages that were made to fool or to exhaust a verifier.
@Suite("DKIM: hostile messages") struct HostileSignatureTests {
    static let now = Timestamp(seconds: 1_700_000_000)
    static let fields = "From: a@x.example\r\nSubject: s\r\n"
    let key: Ed25519PrivateKey
    var zone = Zone()

    init() throws {
        key = try Ed25519PrivateKey.generate()
        publish("k=ed25519; p=" + text(key.publicKey.octets))
    }

    private mutating func publish(_ record: String, at selector: String = "s") {
        zone.names["\(selector)._domainkey.x.example"] = Zone.Entry([.txt(Array(record.utf8))])
    }

    private func text(_ octets: [UInt8]) -> String { String(decoding: Base64.encode(octets), as: UTF8.self) }

    /// A signature with any tags, made as an attacker who has the key would make it.
    private func signature(_ tags: String, of fields: String, body: String, names: [HeaderName] = ["From"]) throws -> String {
        let hash = text(HashFunction.sha256.hash(body))
        let field = "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=x.example; s=s; \(tags) bh=\(hash); b="
        let header = try MessageHeader(scanning: Array(fields.utf8))
        let input = SignedHeader.octets(names, of: header, signatureField: Array(field.utf8)[...], .simple)
        return field + text(try key.sign(HashFunction.sha256.hash(input))) + "\r\n"
    }

    private func results(_ message: String, _ settings: DKIMVerifierSettings = .standard) throws -> [DKIMResult] {
        try verify(Array(message.utf8), zone, at: HostileSignatureTests.now, settings)
    }

    @Test("Row 21: text appended behind `l=`") func bodyLength() throws {
        let body = "good\r\n"
        for (length, signed) in [(0, ""), (4, "good"), (6, body)] {
            let field = try signature("h=From; l=\(length);", of: HostileSignatureTests.fields, body: signed)
            for rest in ["", "<html>bad</html>\r\n"] {
                let found = try results(field + HostileSignatureTests.fields + "\r\n" + body + rest)
                #expect(found.map(\.failure) == [.bodyLength], "l=\(length) \(rest)")
                #expect(found.map(\.result) == [.policy])
            }
        }
        let longer = try signature("h=From; l=99999999999999999999999;", of: HostileSignatureTests.fields, body: body)
        #expect(try results(longer + HostileSignatureTests.fields + "\r\n" + body).map(\.result) == [.policy])
        let none = try signature("h=From; l=;", of: HostileSignatureTests.fields, body: body)
        #expect(try results(none + HostileSignatureTests.fields + "\r\n" + body).map(\.result) == [.permerror])
        let plain = try signature("h=From;", of: HostileSignatureTests.fields, body: body)
        #expect(try results(plain + HostileSignatureTests.fields + "\r\n" + body).map(\.result) == [.pass])
        #expect(try results(plain + HostileSignatureTests.fields + "\r\n" + body + "more\r\n").map(\.failure) == [.bodyHash])
    }

    @Test("Row 22: a line that is no field ends the header") func headerBoundary() throws {
        let body = "text\r\n"
        let field = try signature("h=From;", of: HostileSignatureTests.fields, body: body)
        for line in ["no field\r\n", "From a@x.example Mon Nov 20\r\n", ": empty\r\n", "\u{0}\r\n"] {
            let found = try results(field + HostileSignatureTests.fields + line + "\r\n" + body)
            #expect(found.map(\.failure) == [.malformedHeader], "\(line.debugDescription)")
        }
    }

    @Test("Row 23: a thousand signatures cost ten") func manySignatures() throws {
        let field = try signature("h=From;", of: HostileSignatureTests.fields, body: "text\r\n")
        let message = String(repeating: field, count: 900) + HostileSignatureTests.fields + "\r\ntext\r\n"
        #expect(try results(message).count == 10)
        #expect(try results(message, DKIMVerifierSettings(signaturesMax: 3)).map(\.result) == [.pass, .pass, .pass])
    }

    @Test("Row 23: h= without From, and a second From") func from() throws {
        let body = "text\r\n"
        let without = try signature("h=Subject;", of: HostileSignatureTests.fields, body: body, names: ["Subject"])
        #expect(try results(without + HostileSignatureTests.fields + "\r\n" + body).map(\.failure) == [.fromNotSigned])
        let field = try signature("h=From;", of: HostileSignatureTests.fields, body: body)
        let second = "From: admin@x.example\r\n"
        #expect(try results(second + field + HostileSignatureTests.fields + "\r\n" + body).map(\.failure) == [.extraFrom])
        let oversigned = try signature("h=From:From;", of: HostileSignatureTests.fields, body: body, names: ["From", "From"])
        #expect(try results(oversigned + HostileSignatureTests.fields + "\r\n" + body).map(\.result) == [.pass])
        #expect(try results(second + oversigned + HostileSignatureTests.fields + "\r\n" + body).map(\.failure) == [.signature])
    }

    @Test("Row 23: times and sizes", arguments: [
        ("h=From; t=1; x=1600000000;", SignatureFailure.expired),
        ("h=From; t=1800000000;", .future),
        ("h=From; t=1700000000; x=1700000000;", .time),
        ("h=From; t=-1;", .time),
        ("h=From; x=1e9;", .time),
        ("h=From:;", .signedFields),
        ("h=From:Sub ject;", .signedFields),
        ("h=From; q=http/get;", .queryMethod),
        ("h=From; i=a@y.example;", .identity),
        ("h=From; i=a@xx.example;", .identity),
        ("h=From; i=x.example;", .identity),
        ("h=From; i==C3@x.example;", .identity),
        ("h=From; h=To;", .duplicateTag),
        ("h=From; =x;", .syntax),
        ("h=From;;", .syntax),
    ])
    func tags(tags: String, failure: SignatureFailure) throws {
        let body = "text\r\n"
        let field = try signature(tags, of: HostileSignatureTests.fields, body: body)
        #expect(try results(field + HostileSignatureTests.fields + "\r\n" + body).map(\.failure) == [failure])
    }

    @Test("Row 23: fields that are cut or changed anywhere never pass and never trap") func damagedFields() throws {
        let body = "text\r\n"
        let field = try signature("h=From; t=1690000000; i=@x.example; q=dns/txt;", of: HostileSignatureTests.fields, body: body)
        #expect(try results(field + HostileSignatureTests.fields + "\r\n" + body).map(\.result) == [.pass])
        let octets = Array(field.utf8)
        // The padding at the end may be missing (RFC 6376 §2.10): up to there every octet counts.
        #expect(field.hasSuffix("==\r\n"))
        for index in 16..<(octets.count - 4) {
            let cut = Array(octets[..<index]) + Array("\r\n\(HostileSignatureTests.fields)\r\n\(body)".utf8)
            #expect(try verify(cut, zone, at: HostileSignatureTests.now).allSatisfy { $0.result != .pass }, "cut at \(index)")
            var changed = octets
            changed[index] ^= 0x01
            let found = try verify(changed + Array("\(HostileSignatureTests.fields)\r\n\(body)".utf8), zone, at: HostileSignatureTests.now)
            #expect(found.allSatisfy { $0.result != .pass }, "changed at \(index)")
        }
    }

    @Test("Row 23: keys that no verifier takes", arguments: [
        ("p=", SignatureFailure.keyRevoked), ("v=DKIM1; k=ed25519", .keySyntax), ("v=DKIM2; k=ed25519; p=KEY", .keySyntax),
        ("k=ed25519; p=KEY; v=DKIM1", .keySyntax), ("k=ed25519; p=AAAA", .keySyntax), ("k=rsa; p=KEY", .keyType),
        ("k=ed25519; s=tlsrpt; p=KEY", .keyService), ("k=ed25519; h=sha1; p=KEY", .keyHash), ("k=dsa; p=KEY", .keySyntax),
        ("", .keySyntax), ("\u{0}", .keySyntax), ("k=ed25519; p=*", .keySyntax), ("k=ed25519; t=s; p=KEY", .identity),
    ])
    func keys(record: String, failure: SignatureFailure) throws {
        var other = self
        other.publish(record.replacing("KEY", with: text(key.publicKey.octets)))
        let body = "text\r\n"
        let field = try other.signature("h=From; i=@sub.x.example;", of: HostileSignatureTests.fields, body: body)
        #expect(try other.results(field + HostileSignatureTests.fields + "\r\n" + body).map(\.failure) == [failure])
    }

    @Test("Row 23: RSA keys of 384, 512, 768, 8192 and 16384 bits", arguments: [384, 512, 768, 8192, 16384])
    func keySizes(bits: Int) throws {
        var other = self
        // Nobody needs the private half: the size is judged first.
        var modulus = [UInt8](repeating: 0xc5, count: bits / 8)
        modulus[modulus.count - 1] = 0x0b
        other.publish("k=rsa; p=" + text(sequence(integer([0] + modulus) + integer([1, 0, 1]))))
        let hash = text(HashFunction.sha256.hash("text\r\n"))
        let field = "DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=From; bh=\(hash); b=AAAA\r\n"
        let found = try other.results(field + HostileSignatureTests.fields + "\r\ntext\r\n")
        #expect(found.map(\.failure) == [bits < 1024 ? .keyTooShort : .keyTooLong], "\(found)")
        #expect(found.map(\.result) == [.policy])
    }

    @Test("SHA-1 is not believed") func sha1() throws {
        let field = "DKIM-Signature: v=1; a=rsa-sha1; d=x.example; s=s; h=From; bh=\(text(HashFunction.sha1.hash("\r\n"))); b=AAAA\r\n"
        #expect(try results(field + HostileSignatureTests.fields + "\r\n").map(\.failure) == [.obsoleteAlgorithm])
    }

    @Test("RFC 8616: U-labels in d=, s= and i=") func internationalDomains() throws {
        var other = self
        other.zone.names["xn--tst-bma._domainkey.xn--mx-lka.example"] = Zone.Entry([.txt(Array("k=ed25519; p=\(text(key.publicKey.octets))".utf8))])
        let hash = text(HashFunction.sha256.hash("text\r\n"))
        let field = "DKIM-Signature: v=1; a=ed25519-sha256; d=møx.example; s=tést; i=ü@a.møx.example; h=From; bh=\(hash); b="
        let input = SignedHeader.octets(["From"], of: try MessageHeader(scanning: Array(HostileSignatureTests.fields.utf8)),
                                        signatureField: Array(field.utf8)[...], .simple)
        let signed = field + text(try key.sign(HashFunction.sha256.hash(input))) + "\r\n"
        let found = try other.results(signed + HostileSignatureTests.fields + "\r\ntext\r\n")
        #expect(found.map(\.result) == [.pass], "\(found)")
        #expect(found.first?.domain?.ascii == "xn--mx-lka.example")
        #expect(found.first?.identity == "ü@a.xn--mx-lka.example")
    }

    private func integer(_ octets: [UInt8]) -> [UInt8] { [0x02] + length(octets.count) + octets }
    private func sequence(_ octets: [UInt8]) -> [UInt8] { [0x30] + length(octets.count) + octets }
    private func length(_ count: Int) -> [UInt8] {
        if count < 0x80 { return [UInt8(count)] }
        return count < 0x100 ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xff)]
    }
}
