/// The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677).
///
///     C: n,,n=user,r=rOprNGfwEbeRWgbNEkqO
///     S: r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096
///     C: c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=
///     S: v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=
public struct SCRAMServer: Hashable, Sendable {
    private let gs2Header: [UInt8]
    private let clientFirstBare: [UInt8]
    private let clientNonce: [UInt8]
    /// The name of the account.
    public let name: String
    /// The account that the client wants to act as; nil when it names none.
    public let authorization: String?
    private var serverFirst: [UInt8] = []
    private var nonce: [UInt8] = []
    private var keys: SCRAMKeys?

    /// The exchange that this first message of the client begins; nil when it cannot be read.
    public init?(clientFirst message: [UInt8]) {
        guard let first = SCRAMMessages.ClientFirst(message) else { return nil }
        gs2Header = first.gs2Header
        clientFirstBare = first.bare
        clientNonce = first.nonce
        name = first.name
        authorization = first.authorization
    }

    /// The first message of the server, with its part of the nonce.
    public mutating func serverFirst(_ keys: SCRAMKeys, nonce serverNonce: [UInt8]) -> [UInt8] {
        self.keys = keys
        nonce = clientNonce + serverNonce
        serverFirst = Array("r=".utf8) + nonce + Array(",s=".utf8) + SASLBase64.encode(keys.salt) + Array(",i=\(keys.iterations)".utf8)
        return serverFirst
    }

    /// Whether the last message of the client proves that it knows the password, and the server's own proof; nil when it cannot be read.
    public func verify(clientFinal message: [UInt8]) -> (isValid: Bool, serverFinal: [UInt8])? {
        // Other bindings than the ones agreed on would be somebody between client and server (RFC 5802 §6).
        guard let keys, let final = SCRAMMessages.ClientFinal(message), final.nonce == nonce,
              final.channelBinding == gs2Header else { return nil }
        let separator = [SCRAMMessages.comma]
        let said = clientFirstBare + separator + serverFirst + separator + final.withoutProof
        return (keys.isValid(final.proof, of: said), Array("v=".utf8) + SASLBase64.encode(keys.signature(of: said)))
    }
}
