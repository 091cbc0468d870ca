import Cryptography

/// What a server stores of a password for SCRAM-SHA-256: enough to check a proof, too little to make one (RFC 5802 §3).
public struct SCRAMKeys: Hashable, Sendable {
    /// The salt.
    public var salt: [UInt8]
    /// Rounds of the derivation.
    public var iterations: Int
    /// `H(ClientKey)`.
    public var storedKey: [UInt8]
    /// The key of the server's own proof.
    public var serverKey: [UInt8]

    /// The keys as they were stored.
    public init(salt: [UInt8], iterations: Int, storedKey: [UInt8], serverKey: [UInt8]) {
        self.salt = salt
        self.iterations = iterations
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// The keys of a password; slow by intention.
    public init(password: Secret, salt: [UInt8], iterations: Int) throws(CryptographyError) {
        let salted = try SCRAMKeys.saltedPassword(password, salt: salt, iterations: iterations)
        self.salt = salt
        self.iterations = iterations
        storedKey = HashFunction.sha256.hash(SCRAMKeys.clientKey(salted))
        serverKey = HMAC.code(of: Array("Server Key".utf8), key: salted, with: .sha256)
    }

    static func saltedPassword(_ password: Secret, salt: [UInt8], iterations: Int) throws(CryptographyError) -> [UInt8] {
        try PasswordDerivation.pbkdf2(password.octets, salt: salt, iterations: iterations, octets: HashFunction.sha256.octets,
                                      with: .sha256)
    }

    static func clientKey(_ salted: [UInt8]) -> [UInt8] { HMAC.code(of: Array("Client Key".utf8), key: salted, with: .sha256) }

    /// What the client proves with: its key, hidden by a signature of all that was said.
    static func proof(salted: [UInt8], of message: [UInt8]) -> [UInt8] {
        let key = clientKey(salted)
        return masked(key, by: HMAC.code(of: message, key: HashFunction.sha256.hash(key), with: .sha256))
    }

    /// Whether `proof` comes from somebody who knows the password.
    func isValid(_ proof: [UInt8], of message: [UInt8]) -> Bool {
        guard proof.count == HashFunction.sha256.octets else { return false }
        let key = SCRAMKeys.masked(proof, by: HMAC.code(of: message, key: storedKey, with: .sha256))
        return areEqualInConstantTime(HashFunction.sha256.hash(key), storedKey)
    }

    /// The server's own proof.
    func signature(of message: [UInt8]) -> [UInt8] { HMAC.code(of: message, key: serverKey, with: .sha256) }

    private static func masked(_ one: [UInt8], by other: [UInt8]) -> [UInt8] { zip(one, other).map { $0 ^ $1 } }
}
