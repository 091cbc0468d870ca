import Cryptography
import MailAuth
import Ports

/// The signatures that a message is to get: all that is needed to make them anywhere.
struct SignatureOrder: Sendable {
    let signer: DKIMSigner
    let keys: [DKIMKey]
    let header: MessageHeader
    let bodyHash: [UInt8]
    let time: Timestamp

    /// The DKIM-Signature fields.
    func fields() throws(CryptographyError) -> [UInt8] { try signer.sign(header, bodyHash: bodyHash, keys: keys, at: time) }
}
