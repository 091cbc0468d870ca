import Cryptography
import Testing

@Suite("Keys from passwords") struct PasswordDerivationTests {
    @Test("RFC 6070") func pbkdf2WithSHA1() throws {
        let password = Array("password".utf8), salt = Array("salt".utf8)
        #expect(try PasswordDerivation.pbkdf2(password, salt: salt, iterations: 4096, octets: 20, with: .sha1)
            == hex("4b007901b765489abead49d926f721d065a429c1"))
        #expect(try PasswordDerivation.pbkdf2(Array("pass\0word".utf8), salt: Array("sa\0lt".utf8), iterations: 4096, octets: 16,
                                              with: .sha1) == hex("56fa6aa75548099dcc37d7f03425e0c3"))
    }

    @Test("RFC 7914 §11") func pbkdf2WithSHA256() throws {
        #expect(try PasswordDerivation.pbkdf2(Array("passwd".utf8), salt: Array("salt".utf8), iterations: 1, octets: 64, with: .sha256)
            == hex("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                + "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"))
    }

    @Test("RFC 7914 §12") func scrypt() throws {
        #expect(try PasswordDerivation.scrypt([], salt: [], cost: 16, blockSize: 1, parallelization: 1, octets: 64)
            == hex("77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"))
        #expect(try PasswordDerivation.scrypt(Array("password".utf8), salt: Array("NaCl".utf8), cost: 1024, blockSize: 8,
                                              parallelization: 16, octets: 64)
            == hex("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"))
    }

    @Test func whatIsOutOfBoundsIsRefused() {
        #expect(throws: CryptographyError.parameter) {
            try PasswordDerivation.pbkdf2([1], salt: [], iterations: 0, octets: 20, with: .sha1)
        }
        #expect(throws: CryptographyError.parameter) {
            try PasswordDerivation.pbkdf2([1], salt: [], iterations: .max, octets: 20, with: .sha1)
        }
        for (cost, block, parallel, octets) in [(15, 8, 1, 32), (0, 8, 1, 32), (-2, 8, 1, 32), (1 << 20, 8, 1, 32), (16, 0, 1, 32),
                                                (16, 1, .max, 32), (16, .max, 1, 32), (16, 1, 1, 0), (16, 1, 1, .max)] {
            #expect(throws: CryptographyError.parameter, "\(cost) \(block) \(parallel) \(octets)") {
                try PasswordDerivation.scrypt([1], salt: [], cost: cost, blockSize: block, parallelization: parallel, octets: octets)
            }
        }
    }
}
