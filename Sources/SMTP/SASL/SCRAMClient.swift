import Cryptography

/// The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677).
public struct SCRAMClient: Hashable, Sendable {
    /// Rounds that a server may ask for: fewer tell the password too cheaply, more take too long (RFC 7677 §4).
    public static let iterations = 4096...1_000_000

    private let gs2Header = Array("n,,".utf8)
    private let bare: [UInt8]
    private let nonce: [UInt8]
    private let password: Secret
    private var serverSignature: [UInt8]?

    /// An exchange for an account, with a nonce that is used once.
    public init(name: String, password: Secret, nonce: [UInt8]) {
        self.password = password
        self.nonce = nonce
        bare = Array("n=".utf8) + SCRAMMessages.encode(name: name) + Array(",r=".utf8) + nonce
    }

    /// The first message of the client.
    public var clientFirst: [UInt8] { gs2Header + bare }

    /// The last message of the client; nil when the server's first is not to be trusted.
    public mutating func clientFinal(serverFirst message: [UInt8]) -> [UInt8]? {
        guard let first = SCRAMMessages.ServerFirst(message), first.nonce.count > nonce.count, first.nonce.starts(with: nonce),
              SCRAMClient.iterations.contains(first.iterations),
              let salted = try? SCRAMKeys.saltedPassword(password, salt: first.salt, iterations: first.iterations) else { return nil }
        let withoutProof = Array("c=".utf8) + SASLBase64.encode(gs2Header) + Array(",r=".utf8) + first.nonce
        let separator = [SCRAMMessages.comma]
        let said = bare + separator + message + separator + withoutProof
        let serverKey = HMAC.code(of: Array("Server Key".utf8), key: salted, with: .sha256)
        serverSignature = HMAC.code(of: said, key: serverKey, with: .sha256)
        return withoutProof + Array(",p=".utf8) + SASLBase64.encode(SCRAMKeys.proof(salted: salted, of: said))
    }

    /// Whether the last message of the server proves that it knows the password, too.
    public func isValid(serverFinal message: [UInt8]) -> Bool {
        guard let serverSignature,
              let field = message.split(separator: SCRAMMessages.comma, omittingEmptySubsequences: false).first,
              let signature = SCRAMMessages.value("v", field).flatMap(SASLBase64.decode) else { return false }
        return areEqualInConstantTime(signature, serverSignature)
    }
}
