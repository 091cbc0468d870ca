import Cryptography
import SMTP

/// A password as it is stored, with all that is needed to check one against it.
///
///     $scrypt$ln=14,r=8,p=5$SALT$HASH          base64 without padding
///     {SCRAM-SHA-256}ITERATIONS,SALT,STOREDKEY,SERVERKEY
///     {SSHA512}BASE64 {SSHA256}BASE64 {SHA512}BASE64 {SHA256}BASE64   of older systems
///     {PLAIN}PASSWORD
public enum PasswordHash: Hashable, Sendable {
    /// scrypt (RFC 7914).
    case scrypt(PasswordCost, salt: [UInt8], hash: [UInt8])
    /// The keys of SCRAM-SHA-256.
    case scram(SCRAMKeys)
    /// A hash of the password followed by the salt, if any.
    case digest(HashFunction, salt: [UInt8], hash: [UInt8])
    /// The password itself.
    case plain(Secret)

    private static let saltOctets = 16
    private static let hashOctets = 32

    /// The hash of a new password, by scrypt.
    public static func make(_ password: Secret, cost: PasswordCost, secrets: SecretSource) throws(CryptographyError) -> PasswordHash {
        let salt = secrets.octets(saltOctets)
        // The rounds of SCRAM are no part of this hash.
        var cost = cost
        cost.scramIterations = PasswordCost.standard.scramIterations
        return .scrypt(cost, salt: salt, hash: try scrypt(password, cost, salt: salt, octets: hashOctets))
    }

    /// The hash of a password that Baton made and nobody can guess, for which slowness would win nothing.
    static func make(generated password: Secret, secrets: SecretSource) -> PasswordHash {
        let salt = secrets.octets(saltOctets)
        return .digest(.sha256, salt: salt, hash: HashFunction.sha256.hash(password.octets + salt))
    }

    /// Whether this is the hash of `password`.
    public func matches(_ password: Secret) -> Bool {
        switch self {
        case .scrypt(let cost, let salt, let hash):
            guard let own = try? PasswordHash.scrypt(password, cost, salt: salt, octets: hash.count) else { return false }
            return areEqualInConstantTime(own, hash)
        case .scram(let keys):
            guard let own = try? SCRAMKeys(password: password, salt: keys.salt, iterations: keys.iterations) else { return false }
            return areEqualInConstantTime(own.storedKey, keys.storedKey)
        case .digest(let function, let salt, let hash):
            return areEqualInConstantTime(function.hash(password.octets + salt), hash)
        case .plain(let secret):
            // Hashes have one length, whatever the passwords': the time tells nothing of it.
            return areEqualInConstantTime(HashFunction.sha256.hash(password.octets), HashFunction.sha256.hash(secret.octets))
        }
    }

    private static func scrypt(_ password: Secret, _ cost: PasswordCost, salt: [UInt8], octets: Int) throws(CryptographyError) -> [UInt8] {
        try PasswordDerivation.scrypt(password.octets, salt: salt, cost: 1 << cost.logN, blockSize: cost.blockSize,
                                      parallelization: cost.parallelization, octets: octets, memoryLimit: PasswordCost.memoryMax)
    }
}

// MARK: - Text

extension PasswordHash {
    /// The hash that `text` spells; nil when it is none, or of a scheme that is not known.
    public init?(_ text: some StringProtocol) {
        if text.hasPrefix("$scrypt$") {
            self.init(scrypt: String(text).split(separator: "$", omittingEmptySubsequences: false).map(String.init))
            return
        }
        guard text.hasPrefix("{"), let end = text.firstIndex(of: "}") else { return nil }
        let value = String(text[text.index(after: end)...])
        switch text[text.index(after: text.startIndex)..<end].uppercased() {
        case "SCRYPT": self.init(scrypt: value.split(separator: "$", omittingEmptySubsequences: false).map(String.init))
        case "SCRAM-SHA-256": self.init(scram: value.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
        case "SHA256", "SSHA256": self.init(value, .sha256)
        case "SHA512", "SSHA512": self.init(value, .sha512)
        case "SHA", "SSHA": self.init(value, .sha1)
        case "PLAIN", "CLEARTEXT":
            guard !value.isEmpty else { return nil }
            self = .plain(Secret(value))
        default: return nil
        }
    }

    private init?(scrypt fields: [String]) {
        guard fields.count == 5, fields[0].isEmpty, fields[1] == "scrypt",
              let salt = PasswordHash.unpadded(fields[3]), let hash = PasswordHash.unpadded(fields[4]),
              !salt.isEmpty, (16...64).contains(hash.count) else { return nil }
        var cost = PasswordCost()
        for parameter in fields[2].split(separator: ",") {
            let parts = parameter.split(separator: "=")
            guard parts.count == 2, let value = Int(parts[1]) else { return nil }
            switch parts[0] {
            case "ln": cost.logN = value
            case "r": cost.blockSize = value
            case "p": cost.parallelization = value
            default: return nil
            }
        }
        guard cost.isBearable else { return nil }
        self = .scrypt(cost, salt: salt, hash: hash)
    }

    private init?(scram fields: [String]) {
        guard fields.count == 4, let iterations = Int(fields[0]), (1...10_000_000).contains(iterations),
              let salt = SASLBase64.decode(fields[1].utf8), let storedKey = SASLBase64.decode(fields[2].utf8),
              let serverKey = SASLBase64.decode(fields[3].utf8), !salt.isEmpty, storedKey.count == 32, serverKey.count == 32 else { return nil }
        self = .scram(SCRAMKeys(salt: salt, iterations: iterations, storedKey: storedKey, serverKey: serverKey))
    }

    private init?(_ value: String, _ function: HashFunction) {
        guard let octets = SASLBase64.decode(value.utf8), octets.count >= function.octets else { return nil }
        self = .digest(function, salt: Array(octets[function.octets...]), hash: Array(octets[..<function.octets]))
    }

    /// The hash as it is stored.
    public var text: String {
        switch self {
        case .scrypt(let cost, let salt, let hash):
            "$scrypt$ln=\(cost.logN),r=\(cost.blockSize),p=\(cost.parallelization)$\(PasswordHash.unpadded(salt))$\(PasswordHash.unpadded(hash))"
        case .scram(let keys):
            "{SCRAM-SHA-256}" + [Array(String(keys.iterations).utf8), SASLBase64.encode(keys.salt), SASLBase64.encode(keys.storedKey),
                                 SASLBase64.encode(keys.serverKey)].map { String(decoding: $0, as: UTF8.self) }.joined(separator: ",")
        case .digest(let function, let salt, let hash):
            "{\(salt.isEmpty ? "" : "S")\(PasswordHash.name(of: function))}" + String(decoding: SASLBase64.encode(hash + salt), as: UTF8.self)
        case .plain(let secret): "{PLAIN}" + String(decoding: secret.octets, as: UTF8.self)
        }
    }

    private static func name(of function: HashFunction) -> String {
        switch function {
        case .sha1: "SHA"
        case .sha256: "SHA256"
        case .sha512: "SHA512"
        }
    }

    private static func unpadded(_ text: String) -> [UInt8]? {
        SASLBase64.decode(Array(text.utf8) + Array(repeating: UInt8(ascii: "="), count: (4 - text.utf8.count % 4) % 4))
    }

    private static func unpadded(_ octets: [UInt8]) -> String {
        String(decoding: SASLBase64.encode(octets).filter { $0 != UInt8(ascii: "=") }, as: UTF8.self)
    }
}
