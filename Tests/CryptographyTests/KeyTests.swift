import Cryptography
import Foundation
import Testing

@Suite("Keys") struct KeyTests {
    static func base64(_ text: String) -> [UInt8] { Data(base64Encoded: text).map { [UInt8]($0) } ?? [] }

    @Test("One RSA key in each form signs the same") func forms() throws {
        let hash = HashFunction.sha256.hash("abc")
        let signature = KeyTests.base64(TestKeys.signatureOfABC)
        let der = KeyTests.base64(TestKeys.pkcs1.split(separator: "\n").dropFirst().dropLast().joined())
        let keys = [try RSAPrivateKey(pem: Array(TestKeys.pkcs1.utf8)), try RSAPrivateKey(pem: Array(TestKeys.pkcs8.utf8)),
                    try RSAPrivateKey(der: der)]
        for key in keys {
            #expect(key.bits == 1024)
            #expect(try key.sign(hash: hash) == signature)
            #expect(key.publicKey.der == KeyTests.base64(TestKeys.subjectPublicKeyInfo))
            #expect(try RSAPrivateKey(pem: key.pem).sign(hash: hash) == signature)
        }
        for text in [TestKeys.subjectPublicKeyInfo, TestKeys.rsaPublicKey] {
            let key = try RSAPublicKey(der: KeyTests.base64(text))
            #expect(key.bits == 1024)
            #expect(key.isValid(signature, ofHash: hash))
        }
    }

    @Test func anotherHashOrSignatureIsNotValid() throws {
        let key = try RSAPrivateKey(pem: Array(TestKeys.pkcs8.utf8))
        let hash = HashFunction.sha256.hash("abc")
        var signature = try key.sign(hash: hash)
        #expect(!key.publicKey.isValid(signature, ofHash: HashFunction.sha256.hash("abd")))
        #expect(!key.publicKey.isValid(signature, ofHash: HashFunction.sha1.hash("abc"), with: .sha1))
        #expect(!key.publicKey.isValid(signature, ofHash: []))
        #expect(!key.publicKey.isValid([], ofHash: hash))
        #expect(!key.publicKey.isValid(signature + [0], ofHash: hash))
        signature[5] ^= 1
        #expect(!key.publicKey.isValid(signature, ofHash: hash))
        #expect(throws: CryptographyError.parameter) { try key.sign(hash: [1]) }
    }

    @Test("SHA-1 signatures, which old mail has") func sha1() throws {
        let key = try RSAPrivateKey(pem: Array(TestKeys.pkcs8.utf8))
        let hash = HashFunction.sha1.hash("abc")
        #expect(key.publicKey.isValid(try key.sign(hash: hash, with: .sha1), ofHash: hash, with: .sha1))
    }

    @Test func generatedRSAKeysWork() throws {
        let key = try RSAPrivateKey.generate(bits: 1024)
        #expect(key.bits == 1024)
        #expect(throws: CryptographyError.parameter) { try RSAPrivateKey.generate(bits: 512) }
        #expect(throws: CryptographyError.parameter) { try RSAPrivateKey.generate(bits: 1 << 20) }
    }

    @Test("RFC 8032 §7.1, tests 1 and 2") func ed25519() throws {
        let empty = try Ed25519PrivateKey(seed: hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
        #expect(empty.publicKey.octets == hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
        #expect(try empty.sign([]) == hex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"))
        let one = try Ed25519PrivateKey(seed: hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
        let signature = hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
        #expect(try one.sign([0x72]) == signature)
        #expect(one.publicKey.isValid(signature, of: [0x72]))
        #expect(!one.publicKey.isValid(signature, of: [0x73]))
        #expect(!one.publicKey.isValid([], of: [0x72]) && !one.publicKey.isValid(signature + [0], of: [0x72]))
        #expect(try Ed25519PrivateKey(pem: one.pem).sign([0x72]) == signature)
        #expect(try Ed25519PrivateKey.generate().publicKey != Ed25519PrivateKey.generate().publicKey)
    }

    @Test("A stranger's key cannot make verifying slow by a long exponent") func longExponent() {
        #expect(throws: CryptographyError.malformedKey) { try RSAPublicKey(der: KeyTests.base64(TestKeys.longExponent)) }
    }

    @Test("Octets that are no key of the kind") func whatIsNoKey() throws {
        #expect(throws: CryptographyError.encryptedKey) { try RSAPrivateKey(pem: Array(TestKeys.encrypted.utf8)) }
        #expect(throws: CryptographyError.unsuitableKey) { try Ed25519PrivateKey(pem: Array(TestKeys.pkcs8.utf8)) }
        let ed25519 = try Ed25519PrivateKey.generate()
        #expect(throws: CryptographyError.unsuitableKey) { try RSAPrivateKey(pem: ed25519.pem) }
        #expect(throws: CryptographyError.malformedKey) { try Ed25519PublicKey(octets: [1, 2]) }
        let der = KeyTests.base64(TestKeys.subjectPublicKeyInfo)
        for count in 0..<der.count {
            #expect(throws: CryptographyError.self) { try RSAPublicKey(der: Array(der.prefix(count))) }
        }
        let text = Array(TestKeys.pkcs1.utf8)
        for count in stride(from: 0, to: text.count - 40, by: 7) {
            #expect(throws: CryptographyError.malformedKey) { try RSAPrivateKey(pem: Array(text.prefix(count))) }
        }
    }

    @Test("No damaged private key is taken") func damagedKeys() throws {
        let der = KeyTests.base64(TestKeys.pkcs1.split(separator: "\n").dropFirst().dropLast().joined())
        let hash = HashFunction.sha256.hash("abc")
        for index in stride(from: 0, to: der.count, by: 5) {
            var damaged = der
            damaged[index] ^= 0x10
            guard let key = try? RSAPrivateKey(der: damaged) else { continue }
            #expect(key.publicKey.isValid(try key.sign(hash: hash), ofHash: hash))
        }
    }
}
