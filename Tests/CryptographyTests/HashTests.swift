import Cryptography
import Testing

@Suite("Hashes") struct HashTests {
    @Test("FIPS 180-4 examples", arguments: [
        (HashFunction.sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (.sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (.sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (.sha512, "abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"),
    ])
    func examples(function: HashFunction, text: String, hash: String) {
        #expect(function.hash(text) == hex(hash))
        #expect(function.octets == hex(hash).count)
    }

    @Test func aStreamIsTheSameAsTheWhole() {
        let stream = HashStream(.sha256)
        for piece in ["", "a", "", "bc"] { stream.update(Array(piece.utf8)) }
        #expect(stream.finish() == HashFunction.sha256.hash("abc"))
        #expect(stream.finish() == HashFunction.sha256.hash(""))
    }

    @Test("RFC 4231 §4.3, RFC 2202 §3") func keyedHashes() {
        let message = Array("what do ya want for nothing?".utf8)
        #expect(HMAC.code(of: message, key: Array("Jefe".utf8), with: .sha256)
            == hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"))
        #expect(HMAC.code(of: message, key: Array("Jefe".utf8), with: .sha1) == hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"))
        #expect(HMAC.code(of: [], key: [], with: .sha256) == hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"))
        #expect(HMAC.isValid(hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"), of: message, key: Array("Jefe".utf8), with: .sha1))
        #expect(!HMAC.isValid(hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c78"), of: message, key: Array("Jefe".utf8), with: .sha1))
    }

    @Test func systemSecretsDiffer() {
        #expect(SecretSource.system.octets(16).count == 16)
        #expect(SecretSource.system.octets(16) != SecretSource.system.octets(16))
        #expect(SecretSource.system.octets(0).isEmpty && SecretSource.system.octets(-1).isEmpty)
    }
}

/// The octets that `text` writes in hexadecimal.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap { $0.hexDigitValue.map(UInt8.init) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
